// dx[i,c] = dy[i,c] where y[i,c] > 0 or is NaN, else 0 (and 0 at the kink)
// dr[i,c] = scale * dx[i,c]
// The mask comes from the output, so neither term need be kept.

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> y: array<f32>;         // pixel c
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // pixel c
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // pixel c
@group(0) @binding(4) var<storage, read_write> dr: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  let from_y = shape.y_offset + at.x * shape.y_stride + at.y;
  let from_dy = shape.dy_offset + at.x * shape.dy_stride + at.y;
  let through = relu_gradient(y[from_y], dy[from_dy]);
  let to_x = shape.dx_offset + at.x * shape.dx_stride + at.y;
  let to_r = shape.dr_offset + at.x * shape.dr_stride + at.y;
  var dx_sum = through;
  var dr_sum = shape.scale * through;
  if (shape.accumulate != 0u) { dx_sum += dx[to_x]; dr_sum += dr[to_r]; }
  dx[to_x] = dx_sum;
  dr[to_r] = dr_sum;
}
