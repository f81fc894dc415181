// y[i] = x[i] * scale where random(seed, step, key, i) / 2^8 < threshold, else 0 (NaN where x is not finite),
// with scale = 1 / keep, threshold = keep * 2^24 and i = pixel * channels + c.

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // pixel c
@group(0) @binding(2) var<storage, read> counter: array<u32>;  // seed, step
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  let seed = counter[0];
  let draw = counter[1];
  let kept = random(seed, draw, shape.key, i) >> 8u < shape.threshold;
  let value = x[shape.x_offset + at.x * shape.x_stride + at.y];
  y[shape.y_offset + at.x * shape.y_stride + at.y] = select(dropped(value), value * shape.scale, kept);
}
