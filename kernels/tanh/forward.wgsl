// y[i,c] = (1 - e) / (1 + e) with e = exp(-2 |x[i,c]|), with the sign of x[i,c]; near 0, where 1 - e would cancel, the
// first terms of its series (Abramowitz and Stegun 4.5.64); NaN where x[i,c] is

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // pixel c
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // pixel c

const NEAR: f32 = 0.25;  // the term after the last is then below 2^-26 of the first
const A3: f32 = -1.0 / 3.0;
const A5: f32 = 2.0 / 15.0;
const A7: f32 = -17.0 / 315.0;
const A9: f32 = 62.0 / 2835.0;

fn element(at: vec2u, i: u32) {
  let v = x[shape.x_offset + at.x * shape.x_stride + at.y];
  let e = exp(-2.0 * abs(v));
  let far = (1.0 - e) / (1.0 + e);
  let square = v * v;
  let near = v + v * square * (A3 + square * (A5 + square * (A7 + square * A9)));
  let value = select(select(-far, far, v >= 0.0), near, abs(v) < NEAR);
  y[shape.y_offset + at.x * shape.y_stride + at.y] = select(value, v, is_nan(v));
}
