// y[n,p,q,o] = max((x[n,p,q,o] - running_mean[o]) * gamma[o] / sqrt(running_var[o] + epsilon) + beta[o], 0),
// or the sum itself where there is no relu; x is the convolution.
// A workgroup computes WG channels of `span` neighbouring pixels, or all channels of several at once where these are fewer.

const WG: u32 = 64u;        // @tune 16 32 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;             // n p q o
@group(0) @binding(2) var<storage, read> gamma: array<f32>;         // o
@group(0) @binding(3) var<storage, read> beta: array<f32>;          // o
@group(0) @binding(4) var<storage, read> running_mean: array<f32>;  // o
@group(0) @binding(5) var<storage, read> running_var: array<f32>;   // o
@group(0) @binding(6) var<storage, read_write> y: array<f32>;       // n p q o

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let width = min(shape.o, WG);  // channels the workgroup covers at once
  let deep = WG / width;         // pixels it covers at once
  let o = group.x * WG + lane % width;
  if (o >= shape.o || lane >= deep * width) { return; }
  let mean = running_mean[o];
  let scale = inverseSqrt(running_var[o] + shape.epsilon) * gamma[o];
  let shift = beta[o];
  let first = group.y * shape.span;
  let end = min(first + shape.span, shape.n * shape.p * shape.q);
  for (var pixel = first + lane / width; pixel < end; pixel += deep) {
    let sum = fma(x[shape.x_offset + pixel * shape.x_stride + o] - mean, scale, shift);
    y[shape.y_offset + pixel * shape.y_stride + o] = activation(sum);
  }
}
