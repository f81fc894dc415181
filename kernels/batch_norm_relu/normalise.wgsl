// y[i,c] = max((x[i,c] - mean[c]) * rstd[c] * gamma[c] + beta[c], 0)
// One invocation computes WIDTH channels of PASSES pixels; a workgroup that has more invocations than channels takes
// several pixels at once.

const WG: u32 = 32u;      // @tune 32 64 128
const PASSES: u32 = 64u;  // @tune 4 16 64

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<Vec>;        // pixel c
@group(0) @binding(2) var<storage, read> mean: array<Vec>;     // c
@group(0) @binding(3) var<storage, read> rstd: array<Vec>;     // c
@group(0) @binding(4) var<storage, read> gamma: array<Vec>;    // c
@group(0) @binding(5) var<storage, read> beta: array<Vec>;     // c
@group(0) @binding(6) var<storage, read_write> y: array<Vec>;  // pixel c

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let vectors = shape.channels / WIDTH;
  let width = min(vectors, WG);
  let deep = WG / width;
  let c = group.x * WG + lane % width;
  if (c >= vectors || lane >= deep * width) { return; }
  let centre = mean[c];
  let spread = rstd[c];
  let scale = gamma[c];
  let shift = beta[c];
  let first = group.y * deep * PASSES;
  let end = min(first + deep * PASSES, shape.pixels);
  for (var pixel = first + lane / width; pixel < end; pixel += deep) {
    let normal = (x[(shape.x_offset + pixel * shape.x_stride) / WIDTH + c] - centre) * spread;
    y[(shape.y_offset + pixel * shape.y_stride) / WIDTH + c] = relu(fma(normal, scale, shift));
  }
}
