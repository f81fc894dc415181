// y[i] = x[i] * s, s = 1 / (1 + exp(-x[i]))
// One invocation computes one element.

const WG: u32 = 64u;     // @tune 32 64 128 256

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // i
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // i

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.count) { return; }
  let s = 1.0 / (1.0 + exp(-x[id.x]));
  y[id.x] = x[id.x] * s;
}
