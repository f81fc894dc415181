// y[i] = the sum of eight chains of z = z * a + b: nothing but fused multiply-adds
// One invocation computes one element by 8 * 8 * 256 of them, WIDTH wide.

const WG: u32 = 64u;

@group(0) @binding(0) var<storage, read> x: array<f32>;        // a b
@group(0) @binding(1) var<storage, read_write> y: array<Vec>;  // i

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let a = Vec(x[0]);
  let b = Vec(x[1]);
  var z0 = Vec(f32(id.x % WG));
  var z1 = z0 + Vec(1.0);
  var z2 = z0 + Vec(2.0);
  var z3 = z0 + Vec(3.0);
  var z4 = z0 + Vec(4.0);
  var z5 = z0 + Vec(5.0);
  var z6 = z0 + Vec(6.0);
  var z7 = z0 + Vec(7.0);
  for (var i = 0u; i < 256u; i++) {
    z0 = fma(z0, a, b); z1 = fma(z1, a, b); z2 = fma(z2, a, b); z3 = fma(z3, a, b);
    z4 = fma(z4, a, b); z5 = fma(z5, a, b); z6 = fma(z6, a, b); z7 = fma(z7, a, b);
    z0 = fma(z0, a, b); z1 = fma(z1, a, b); z2 = fma(z2, a, b); z3 = fma(z3, a, b);
    z4 = fma(z4, a, b); z5 = fma(z5, a, b); z6 = fma(z6, a, b); z7 = fma(z7, a, b);
    z0 = fma(z0, a, b); z1 = fma(z1, a, b); z2 = fma(z2, a, b); z3 = fma(z3, a, b);
    z4 = fma(z4, a, b); z5 = fma(z5, a, b); z6 = fma(z6, a, b); z7 = fma(z7, a, b);
    z0 = fma(z0, a, b); z1 = fma(z1, a, b); z2 = fma(z2, a, b); z3 = fma(z3, a, b);
    z4 = fma(z4, a, b); z5 = fma(z5, a, b); z6 = fma(z6, a, b); z7 = fma(z7, a, b);
    z0 = fma(z0, a, b); z1 = fma(z1, a, b); z2 = fma(z2, a, b); z3 = fma(z3, a, b);
    z4 = fma(z4, a, b); z5 = fma(z5, a, b); z6 = fma(z6, a, b); z7 = fma(z7, a, b);
    z0 = fma(z0, a, b); z1 = fma(z1, a, b); z2 = fma(z2, a, b); z3 = fma(z3, a, b);
    z4 = fma(z4, a, b); z5 = fma(z5, a, b); z6 = fma(z6, a, b); z7 = fma(z7, a, b);
    z0 = fma(z0, a, b); z1 = fma(z1, a, b); z2 = fma(z2, a, b); z3 = fma(z3, a, b);
    z4 = fma(z4, a, b); z5 = fma(z5, a, b); z6 = fma(z6, a, b); z7 = fma(z7, a, b);
    z0 = fma(z0, a, b); z1 = fma(z1, a, b); z2 = fma(z2, a, b); z3 = fma(z3, a, b);
    z4 = fma(z4, a, b); z5 = fma(z5, a, b); z6 = fma(z6, a, b); z7 = fma(z7, a, b);
  }
  y[id.x] = z0 + z1 + z2 + z3 + z4 + z5 + z6 + z7;
}
