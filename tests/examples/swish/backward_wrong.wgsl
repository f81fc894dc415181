// As backward.wgsl, with a fault: the derivative of x * s without that of x. The check must say so.
// One invocation computes one element.

const WG: u32 = 64u;     // @tune 32 64 128 256

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // i
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // i
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // i

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.count) { return; }
  let s = 1.0 / (1.0 + exp(-x[id.x]));
  var sum = dy[id.x] * x[id.x] * s * (1.0 - s);
  if (shape.accumulate != 0u) { sum += dx[id.x]; }
  dx[id.x] = sum;
}
