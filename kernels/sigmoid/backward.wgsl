// dx[i,c] = dy[i,c] * y[i,c] * (1 - y[i,c])

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> y: array<f32>;         // pixel c
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // pixel c
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  let v = y[shape.y_offset + at.x * shape.y_stride + at.y];
  let to = shape.dx_offset + at.x * shape.dx_stride + at.y;
  var sum = dy[shape.dy_offset + at.x * shape.dy_stride + at.y] * (v * (1.0 - v));
  if (shape.accumulate != 0u) { sum += dx[to]; }
  dx[to] = sum;
}
