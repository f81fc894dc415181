// With N pixels in all and count[k] of them in block k of image n:
// mean[c] = sum over n,k of count[k] * partial[n,k,0,c] / N
// squares[c] = sum over n,k of partial[n,k,1,c] + count[k] * (partial[n,k,0,c] - mean[c])^2   (Chan et al., 1979)
// rstd[c] = 1 / sqrt(squares[c] / N + epsilon)
// running_mean[c] += gain * (mean[c] - running_mean[c])
// running_var[c] += gain * (squares[c] / (N - 1) - running_var[c])
// One invocation computes one channel.

const WG: u32 = 32u;     // @tune 8 16 32 64

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> partial: array<f32>;             // n k 2 c
@group(0) @binding(2) var<storage, read_write> mean: array<f32>;          // c
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;          // c
@group(0) @binding(4) var<storage, read_write> running_mean: array<f32>;  // c
@group(0) @binding(5) var<storage, read_write> running_var: array<f32>;   // c

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= shape.channels) { return; }
  let total = shape.images * shape.pixels;
  let shift = partial[c];
  var sum = 0.0;
  for (var n = 0u; n < shape.images; n++) {
    for (var k = 0u; k < shape.blocks; k++) {
      sum = fma(count(k), partial[(n * shape.blocks + k) * 2u * shape.channels + c] - shift, sum);
    }
  }
  let average = shift + sum / f32(total);
  var squares = 0.0;
  for (var n = 0u; n < shape.images; n++) {
    for (var k = 0u; k < shape.blocks; k++) {
      let at = (n * shape.blocks + k) * 2u * shape.channels + c;
      let d = partial[at] - average;
      squares += fma(count(k) * d, d, partial[at + shape.channels]);
    }
  }
  mean[c] = average;
  rstd[c] = inverseSqrt(squares / f32(total) + shape.epsilon);
  // by the difference: weights that round apart from a sum of 1 would make the average drift
  running_mean[c] += shape.gain * (average - running_mean[c]);
  running_var[c] += shape.gain * (squares / f32(max(total, 2u) - 1u) - running_var[c]);
}

fn count(k: u32) -> f32 { return f32(min(shape.rows, shape.pixels - k * shape.rows)); }
