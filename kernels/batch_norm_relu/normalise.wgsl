// y[i,c] = max((x[i,c] - mean[c]) * rstd[c] * gamma[c] + beta[c], 0)
// One invocation computes WIDTH channels of PASSES pixels.

const WG: u32 = 32u;      // @tune 32 64 128
const PASSES: u32 = 64u;  // @tune 4 16 64

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<Vec>;        // pixel c
@group(0) @binding(2) var<storage, read> mean: array<Vec>;     // c
@group(0) @binding(3) var<storage, read> rstd: array<Vec>;     // c
@group(0) @binding(4) var<storage, read> gamma: array<Vec>;    // c
@group(0) @binding(5) var<storage, read> beta: array<Vec>;     // c
@group(0) @binding(6) var<storage, read_write> y: array<Vec>;  // pixel c

var<private> centre: Vec;
var<private> spread: Vec;
var<private> scale: Vec;
var<private> shift: Vec;

fn prepare(c: u32) {
  centre = mean[c];
  spread = rstd[c];
  scale = gamma[c];
  shift = beta[c];
}

fn element(pixel: u32, c: u32) {
  let normal = (x[(shape.x_offset + pixel * shape.x_stride) / WIDTH + c] - centre) * spread;
  y[(shape.y_offset + pixel * shape.y_stride) / WIDTH + c] = relu(fma(normal, scale, shift));
}
