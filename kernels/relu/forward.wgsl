// y[i,c] = max(x[i,c], 0), and NaN where x[i,c] is

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // pixel c
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  y[shape.y_offset + at.x * shape.y_stride + at.y] = relu(x[shape.x_offset + at.x * shape.x_stride + at.y]);
}
