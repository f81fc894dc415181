// dx[i,c] = dy[i,c] * factor[i,c], for either factor with the other one

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> factor: array<f32>;    // pixel c
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // pixel c
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  let other = factor[shape.factor_offset + at.x * shape.factor_stride + at.y];
  let to = shape.dx_offset + at.x * shape.dx_stride + at.y;
  var sum = dy[shape.dy_offset + at.x * shape.dy_stride + at.y] * other;
  if (shape.accumulate != 0u) { sum += dx[to]; }
  dx[to] = sum;
}
