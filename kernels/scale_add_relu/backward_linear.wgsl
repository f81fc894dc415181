// dx[i,c] = dy[i,c]
// dr[i,c] = scale * dy[i,c], where there is no relu

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // pixel c
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;  // pixel c
@group(0) @binding(3) var<storage, read_write> dr: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  let through = dy[shape.dy_offset + at.x * shape.dy_stride + at.y];
  let to_x = shape.dx_offset + at.x * shape.dx_stride + at.y;
  let to_r = shape.dr_offset + at.x * shape.dr_stride + at.y;
  var dx_sum = through;
  var dr_sum = shape.scale * through;
  if (shape.accumulate != 0u) { dx_sum += dx[to_x]; dr_sum += dr[to_r]; }
  dx[to_x] = dx_sum;
  dr[to_r] = dr_sum;
}
