// y[i,c] = value

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  y[shape.y_offset + at.x * shape.y_stride + at.y] = shape.value;
}
