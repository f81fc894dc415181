// y[i,c] = scale * x[i,c], for the gradient with dy for x and dx for y

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // pixel c
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  let to = shape.y_offset + at.x * shape.y_stride + at.y;
  var sum = shape.scale * x[shape.x_offset + at.x * shape.x_stride + at.y];
  if (shape.accumulate != 0u) { sum += y[to]; }
  y[to] = sum;
}
