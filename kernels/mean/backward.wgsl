// dx[i,c] = scale * dy[0], with scale = 1 / elements

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // 1
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  let to = shape.dx_offset + at.x * shape.dx_stride + at.y;
  var sum = shape.scale * dy[0];
  if (shape.accumulate != 0u) { sum += dx[to]; }
  dx[to] = sum;
}
