// y[i,c] = max((x[i,c] - mean[c]) * rstd[c] * gamma[c] + beta[c], 0)
// One invocation computes one channel of PASSES pixels. Where channels are fewer than a workgroup, it takes several
// pixels at once.

const WG: u32 = 32u;      // @tune 32 64 128
const PASSES: u32 = 64u;  // @tune 4 16 64

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // pixel c
@group(0) @binding(2) var<storage, read> mean: array<f32>;     // c
@group(0) @binding(3) var<storage, read> rstd: array<f32>;     // c
@group(0) @binding(4) var<storage, read> gamma: array<f32>;    // c
@group(0) @binding(5) var<storage, read> beta: array<f32>;     // c
@group(0) @binding(6) var<storage, read_write> y: array<f32>;  // pixel c

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let width = min(shape.channels, WG);
  let deep = WG / width;
  let c = group.x * WG + lane % width;
  if (c >= shape.channels || lane >= deep * width) { return; }
  let own = vec4f(mean[c], rstd[c], gamma[c], beta[c]);
  let first = group.y * deep * PASSES;
  let end = min(first + deep * PASSES, shape.pixels);
  for (var pixel = first + lane / width; pixel < end; pixel += deep) {
    let normal = (x[shape.x_offset + pixel * shape.x_stride + c] - own.x) * own.y;
    y[shape.y_offset + pixel * shape.y_stride + c] = max(fma(normal, own.z, own.w), 0.0);
  }
}
