// dx[i] = dy[i] * scale where random(seed, step, key, i) / 2^8 < threshold, else 0 (NaN where dy is not finite),
// with scale = 1 / keep, threshold = keep * 2^24 and i = pixel * channels + c.
// The mask is drawn again, so it need not be kept.

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // pixel c
@group(0) @binding(2) var<storage, read> counter: array<u32>;   // seed, step
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  let seed = counter[0];
  let draw = counter[1];
  let kept = random(seed, draw, shape.key, i) >> 8u < shape.threshold;
  let value = dy[shape.dy_offset + at.x * shape.dy_stride + at.y];
  let to = shape.dx_offset + at.x * shape.dx_stride + at.y;
  var sum = select(dropped(value), value * shape.scale, kept);
  if (shape.accumulate != 0u) { sum += dx[to]; }
  dx[to] = sum;
}
