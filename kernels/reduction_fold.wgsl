// y[0] = scale * sum over k of partials[k]
// The one workgroup computes it: every invocation sums each WGth partial, then pairs add up.

const WG: u32 = 256u;    // @tune 64 128 256

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> partials: array<f32>;  // k
@group(0) @binding(2) var<storage, read_write> y: array<f32>;   // 1

var<workgroup> sums: array<f32, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var k = lane; k < shape.partials; k += WG) { sum += partials[k]; }
  sums[lane] = sum;
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { sums[lane] += sums[lane + half]; }
  }
  if (lane > 0u) { return; }
  sum = shape.scale * sums[0];
  if (shape.accumulate != 0u) { sum += y[0]; }
  y[0] = sum;
}
