// y[i,c] = 1 / (1 + exp(-x[i,c])), and NaN where x[i,c] is
// The exponential is of a number that is not above 0, so that it never overflows.

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // pixel c
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  let v = x[shape.x_offset + at.x * shape.x_stride + at.y];
  let e = exp(-abs(v));
  let value = select(e, 1.0, v >= 0.0) / (1.0 + e);
  y[shape.y_offset + at.x * shape.y_stride + at.y] = select(value, v, is_nan(v));
}
