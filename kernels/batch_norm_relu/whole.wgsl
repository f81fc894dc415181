// mean[c], rstd[c], running_mean[c] and running_var[c] as kernel `finish` of batch_norm makes them of moments,
// y[i,c] = max((x[i,c] - mean[c]) * rstd[c] * gamma[c] + beta[c], 0)
// One invocation computes WIDTH channels of all pixels: one launch where images are small.

const WG: u32 = 8u;  // @tune 8 32 64

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<Vec>;                   // pixel c
@group(0) @binding(2) var<storage, read> partial: array<Vec>;             // n k 2 c
@group(0) @binding(3) var<storage, read> gamma: array<Vec>;               // c
@group(0) @binding(4) var<storage, read> beta: array<Vec>;                // c
@group(0) @binding(5) var<storage, read_write> y: array<Vec>;             // pixel c
@group(0) @binding(6) var<storage, read_write> mean: array<Vec>;          // c
@group(0) @binding(7) var<storage, read_write> rstd: array<Vec>;          // c
@group(0) @binding(8) var<storage, read_write> running_mean: array<Vec>;  // c
@group(0) @binding(9) var<storage, read_write> running_var: array<Vec>;   // c

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let vectors = shape.channels / WIDTH;
  let c = id.x;
  if (c >= vectors) { return; }
  let total = shape.images * shape.pixels;
  let offset = partial[c];
  var sum = Vec();
  for (var n = 0u; n < shape.images; n++) {
    for (var k = 0u; k < shape.blocks; k++) {
      sum = fma(count(k), partial[(n * shape.blocks + k) * 2u * vectors + c] - offset, sum);
    }
  }
  let centre = offset + sum / f32(total);
  var squares = Vec();
  for (var n = 0u; n < shape.images; n++) {
    for (var k = 0u; k < shape.blocks; k++) {
      let at = (n * shape.blocks + k) * 2u * vectors + c;
      let d = partial[at] - centre;
      squares += fma(count(k) * d, d, partial[at + vectors]);
    }
  }
  let spread = inverseSqrt(squares / f32(total) + Vec(shape.epsilon));
  mean[c] = centre;
  rstd[c] = spread;
  running_mean[c] += shape.gain * (centre - running_mean[c]);
  running_var[c] += shape.gain * (squares / f32(max(total, 2u) - 1u) - running_var[c]);

  let scale = gamma[c];
  let shift = beta[c];
  var at_x = shape.x_offset / WIDTH + c;
  var at_y = shape.y_offset / WIDTH + c;
  for (var pixel = 0u; pixel < total; pixel++) {
    y[at_y] = relu(fma((x[at_x] - centre) * spread, scale, shift));
    at_x += shape.x_stride / WIDTH;
    at_y += shape.y_stride / WIDTH;
  }
}

fn count(k: u32) -> Vec { return Vec(f32(min(shape.rows, shape.pixels - k * shape.rows))); }
