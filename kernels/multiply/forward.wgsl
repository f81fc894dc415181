// y[i,c] = a[i,c] * b[i,c]

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> a: array<f32>;        // pixel c
@group(0) @binding(2) var<storage, read> b: array<f32>;        // pixel c
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  let left = a[shape.a_offset + at.x * shape.a_stride + at.y];
  let right = b[shape.b_offset + at.x * shape.b_stride + at.y];
  y[shape.y_offset + at.x * shape.y_stride + at.y] = left * right;
}
