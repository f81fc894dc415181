// y[i,c] = (x[i,c] - mean[c]) * rstd[c] * gamma[c] + beta[c]
// A workgroup computes WG channels of `span` neighbouring pixels, or all channels of several at once where these are fewer.

const WG: u32 = 64u;        // @tune 16 32 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // pixel c
@group(0) @binding(2) var<storage, read> mean: array<f32>;     // c
@group(0) @binding(3) var<storage, read> rstd: array<f32>;     // c
@group(0) @binding(4) var<storage, read> gamma: array<f32>;    // c
@group(0) @binding(5) var<storage, read> beta: array<f32>;     // c
@group(0) @binding(6) var<storage, read_write> y: array<f32>;  // pixel c

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let width = min(shape.channels, WG);  // channels the workgroup covers at once
  let deep = WG / width;                // pixels it covers at once
  let c = group.x * WG + lane % width;
  if (c >= shape.channels || lane >= deep * width) { return; }
  let average = mean[c];
  let scale = rstd[c];
  let gain = gamma[c];
  let shift = beta[c];
  let first = group.y * shape.span;
  let end = min(first + shape.span, shape.images * shape.pixels);
  for (var pixel = first + lane / width; pixel < end; pixel += deep) {
    let normal = (x[shape.x_offset + pixel * shape.x_stride + c] - average) * scale;
    y[shape.y_offset + pixel * shape.y_stride + c] = fma(normal, gain, shift);
  }
}
