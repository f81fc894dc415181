// dx[i,c] = dy[i, first + c], for one part

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // pixel channels of all parts
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  let to = shape.dx_offset + at.x * shape.dx_stride + at.y;
  var sum = dy[shape.dy_offset + at.x * shape.dy_stride + shape.first + at.y];
  if (shape.accumulate != 0u) { sum += dx[to]; }
  dx[to] = sum;
}
