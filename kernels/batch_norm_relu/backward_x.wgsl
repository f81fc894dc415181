// dx[i,c] = gamma[c] * rstd[c] * (d - means[0,c] - normal * means[1,c]), normal = (x[i,c] - mean[c]) * rstd[c],
// d = dy[i,c] where normal * gamma[c] + beta[c] > 0 or is NaN, else 0
// One invocation computes WIDTH channels of PASSES pixels, as in `normalise`, which makes y by the same operations: the
// mask is that of y to the bit.

const WG: u32 = 32u;      // @tune 32 64 128
const PASSES: u32 = 64u;  // @tune 4 16 64

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<Vec>;         // pixel c
@group(0) @binding(2) var<storage, read> dy: array<Vec>;        // pixel c
@group(0) @binding(3) var<storage, read> mean: array<Vec>;      // c
@group(0) @binding(4) var<storage, read> rstd: array<Vec>;      // c
@group(0) @binding(5) var<storage, read> gamma: array<Vec>;     // c
@group(0) @binding(6) var<storage, read> beta: array<Vec>;      // c
@group(0) @binding(7) var<storage, read> means: array<Vec>;     // 2 c
@group(0) @binding(8) var<storage, read_write> dx: array<Vec>;  // pixel c

var<private> centre: Vec;
var<private> spread: Vec;
var<private> weight: Vec;
var<private> shift: Vec;
var<private> scale: Vec;
var<private> average: Vec;
var<private> slope: Vec;

fn prepare(c: u32) {
  centre = mean[c];
  spread = rstd[c];
  weight = gamma[c];
  shift = beta[c];
  scale = weight * spread;
  average = means[c];
  slope = means[shape.columns + c];
}

fn element(pixel: u32, c: u32) {
  let normal = (x[(shape.x_offset + pixel * shape.x_stride) / WIDTH + c] - centre) * spread;
  let d = relu_gradient(fma(normal, weight, shift), dy[(shape.dy_offset + pixel * shape.dy_stride) / WIDTH + c]);
  let at = (shape.dx_offset + pixel * shape.dx_stride) / WIDTH + c;
  var sum = scale * fma(-normal, slope, d - average);
  if (shape.accumulate != 0u) { sum += dx[at]; }
  dx[at] = sum;
}
