// y[i,c] = (x[i,c] - mean[c]) * rstd[c] * gamma[c] + beta[c]

const WG: u32 = 64u;        // @tune 16 32 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // pixel c
@group(0) @binding(2) var<storage, read> mean: array<f32>;     // c
@group(0) @binding(3) var<storage, read> rstd: array<f32>;     // c
@group(0) @binding(4) var<storage, read> gamma: array<f32>;    // c
@group(0) @binding(5) var<storage, read> beta: array<f32>;     // c
@group(0) @binding(6) var<storage, read_write> y: array<f32>;  // pixel c

var<private> average: f32;
var<private> scale: f32;
var<private> gain: f32;
var<private> shift: f32;

fn prepare(c: u32) {
  average = mean[c];
  scale = rstd[c];
  gain = gamma[c];
  shift = beta[c];
}

fn element(pixel: u32, c: u32) {
  let normal = (x[shape.x_offset + pixel * shape.x_stride + c] - average) * scale;
  y[shape.y_offset + pixel * shape.y_stride + c] = fma(normal, gain, shift);
}
