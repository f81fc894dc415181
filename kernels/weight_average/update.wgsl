// average[i] -= (1 - decay) * (average[i] - w[i])
// A workgroup updates `span` neighbouring parameters, WG at a time.

const WG: u32 = 64u;        // @tune 16 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read_write> average: array<f32>;  // i
@group(0) @binding(2) var<storage, read> w: array<f32>;              // i
@group(0) @binding(3) var<storage, read> decay: array<f32>;          // 1
@group(0) @binding(4) var<storage, read> factor: array<f32>;         // 1

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  if (factor[0] < 0.0) { return; }
  let gain = 1.0 - decay[0];
  let end = min((group.x + 1u) * shape.span, shape.count);
  for (var i = group.x * shape.span + lane; i < end; i += WG) {
    let old = average[i];
    average[i] = old - gain * (old - w[i]);
  }
}
