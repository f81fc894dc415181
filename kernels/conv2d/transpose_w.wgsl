// wt[r,s,o,c] = w[r,s,c,o], channels in fours
// One invocation exchanges a block of 4 by 4.

const WG_X: u32 = 8u;  // @tune 8 16 32
const WG_Y: u32 = 4u;  // @tune 1 4 8

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;         // r s c o
@group(0) @binding(2) var<storage, read_write> wt: array<vec4f>;  // r s o c

@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let wide = vec2u(shape.c, shape.o) / 4u;
  if (any(id.xy >= wide)) { return; }
  let plane = id.z * shape.c * wide.y;
  let at = plane + id.x * 4u * wide.y + id.y;
  let to = plane + id.y * 4u * wide.x + id.x;
  let block = transpose(mat4x4f(w[at], w[at + wide.y], w[at + 2u * wide.y], w[at + 3u * wide.y]));
  for (var k = 0u; k < 4u; k++) { wt[to + k * wide.x] = block[k]; }
}
