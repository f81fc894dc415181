// y[n,p,q,o] = max((x[n,p,q,o] - running_mean[o]) * gamma[o] / sqrt(running_var[o] + epsilon) + beta[o], 0),
// or the sum itself where there is no relu; x is the convolution.

const WG: u32 = 64u;        // @tune 16 32 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;             // n p q o
@group(0) @binding(2) var<storage, read> gamma: array<f32>;         // o
@group(0) @binding(3) var<storage, read> beta: array<f32>;          // o
@group(0) @binding(4) var<storage, read> running_mean: array<f32>;  // o
@group(0) @binding(5) var<storage, read> running_var: array<f32>;   // o
@group(0) @binding(6) var<storage, read_write> y: array<f32>;       // n p q o

var<private> mean: f32;
var<private> scale: f32;
var<private> shift: f32;

fn prepare(o: u32) {
  mean = running_mean[o];
  scale = inverseSqrt(running_var[o] + shape.epsilon) * gamma[o];
  shift = beta[o];
}

fn element(pixel: u32, o: u32) {
  let sum = fma(x[shape.x_offset + pixel * shape.x_stride + o] - mean, scale, shift);
  y[shape.y_offset + pixel * shape.y_stride + o] = activation(sum);
}
