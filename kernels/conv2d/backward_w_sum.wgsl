// dw[r,s,c,o] = sum over part of partial[part,r,s,c,o]
// One invocation computes one element.

const WG_X: u32 = 32u;   // @tune 8 16 32 64
const WG_Y: u32 = 2u;    // @tune 1 2 4
const SPLITS: u32 = 1u;  // @tune 1 2 4 16 64

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> partial: array<f32>;   // part r s c o
@group(0) @binding(2) var<storage, read_write> dw: array<f32>;  // r s c o

@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let rows = shape.r * shape.s * shape.c;
  if (id.x >= shape.o || id.y >= rows) { return; }
  let at = id.y * shape.o + id.x;
  var sum = 0.0;
  for (var part = 0u; part < SPLITS; part++) { sum += partial[part * rows * shape.o + at]; }
  if (shape.accumulate != 0u) { sum += dw[at]; }
  dw[at] = sum;
}
