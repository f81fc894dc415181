// y[i] = eight chains of z = z * a + b, added up: nothing but fused multiply-adds
// One invocation computes one element by 8 * 8 * 512 of them.

@group(0) @binding(0) var<storage, read> x: array<f32>;        // a b
@group(0) @binding(1) var<storage, read_write> y: array<f32>;  // i

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let a = vec4f(x[0]);
  let b = vec4f(x[1]);
  var z0 = vec4f(0.0, 1.0, 2.0, 3.0) + f32(id.x);
  var z1 = z0 + 4.0;
  for (var i = 0u; i < 512u; i++) {
    z0 = fma(z0, a, b); z1 = fma(z1, a, b);
    z0 = fma(z0, a, b); z1 = fma(z1, a, b);
    z0 = fma(z0, a, b); z1 = fma(z1, a, b);
    z0 = fma(z0, a, b); z1 = fma(z1, a, b);
    z0 = fma(z0, a, b); z1 = fma(z1, a, b);
    z0 = fma(z0, a, b); z1 = fma(z1, a, b);
    z0 = fma(z0, a, b); z1 = fma(z1, a, b);
    z0 = fma(z0, a, b); z1 = fma(z1, a, b);
  }
  y[id.x] = dot(z0 + z1, vec4f(1.0));
}
