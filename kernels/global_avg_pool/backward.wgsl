// dx[n,h,wd,c] = dy[n,c] / (H*WD)
// One invocation computes one channel of a row: id.x is c, id.y is h, id.z is n.

const WG: u32 = 64u;     // @tune 16 32 64 128

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // n c
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;  // n h wd c

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.c) { return; }
  let share = dy[shape.dy_offset + id.z * shape.dy_stride + id.x] / f32(shape.h * shape.wd);
  let first = (id.z * shape.h + id.y) * shape.wd;
  for (var pixel = first; pixel < first + shape.wd; pixel++) {
    let at = shape.dx_offset + pixel * shape.dx_stride + id.x;
    var sum = share;
    if (shape.accumulate != 0u) { sum += dx[at]; }
    dx[at] = sum;
  }
}
