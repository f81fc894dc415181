// dx[i,c] = dy[0], or 2 * x[i,c] * dy[0] of a sum of squares

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // pixel c
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // 1
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  let d = dy[0];
  let to = shape.dx_offset + at.x * shape.dx_stride + at.y;
  let slope = select(1.0, 2.0 * x[shape.x_offset + at.x * shape.x_stride + at.y], shape.squares != 0u);
  var sum = slope * d;
  if (shape.accumulate != 0u) { sum += dx[to]; }
  dx[to] = sum;
}
