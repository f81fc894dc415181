// y[i, first + c] = x[i,c], for one part

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // pixel c
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // pixel channels of all parts

fn element(at: vec2u, i: u32) {
  y[shape.y_offset + at.x * shape.y_stride + shape.first + at.y] = x[shape.x_offset + at.x * shape.x_stride + at.y];
}
