// y[i,c] = max((x[i,c] - mean[c]) * rstd[c] * gamma[c] + beta[c], 0)
// One invocation computes a run of channels of PASSES pixels. Where runs are fewer than a workgroup, it takes several
// pixels at once.

const WG: u32 = 32u;      // @tune 32 64 128
const PASSES: u32 = 64u;  // @tune 4 16 64

alias Run = f32;
const RUN: u32 = 1u;

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<Run>;        // pixel c
@group(0) @binding(2) var<storage, read> mean: array<Run>;     // c
@group(0) @binding(3) var<storage, read> rstd: array<Run>;     // c
@group(0) @binding(4) var<storage, read> gamma: array<Run>;    // c
@group(0) @binding(5) var<storage, read> beta: array<Run>;     // c
@group(0) @binding(6) var<storage, read_write> y: array<Run>;  // pixel c

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let runs = shape.channels / RUN;
  let width = min(runs, WG);
  let deep = WG / width;
  let c = group.x * WG + lane % width;
  if (c >= runs || lane >= deep * width) { return; }
  let centre = mean[c];
  let spread = rstd[c];
  let scale = gamma[c];
  let shift = beta[c];
  let first = group.y * deep * PASSES;
  let end = min(first + deep * PASSES, shape.pixels);
  for (var pixel = first + lane / width; pixel < end; pixel += deep) {
    let normal = (x[(shape.x_offset + pixel * shape.x_stride) / RUN + c] - centre) * spread;
    y[(shape.y_offset + pixel * shape.y_stride) / RUN + c] = max(fma(normal, scale, shift), Run());
  }
}
