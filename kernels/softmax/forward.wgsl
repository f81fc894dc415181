// y[n,c] = exp(x[n,c] - top) / sum over c of exp(x[n,c] - top), where top = max over c of x[n,c]
// One workgroup computes one row: invocation i takes the elements i, i + WG, ..., then every invocation folds what all
// have found, in their order. A row with +infinity or a NaN is NaN throughout.

const WG: u32 = 64u;     // @tune 32 64 128 256

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // n k
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // n k

var<workgroup> tops: array<f32, WG>;
var<workgroup> sums: array<f32, WG>;
var<workgroup> spoilt: array<u32, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  let row = shape.x_offset + group.x * shape.x_stride;
  var top = x[row];
  var nans = 0u;
  for (var c = i; c < shape.k; c += WG) {
    let v = x[row + c];
    top = max(top, v);
    nans |= select(0u, 1u, is_nan(v) || bitcast<u32>(v) == 0x7f800000u);
  }
  tops[i] = top;
  spoilt[i] = nans;
  workgroupBarrier();
  for (var j = 0u; j < WG; j++) {
    top = max(top, tops[j]);
    nans |= spoilt[j];
  }

  var sum = 0.0;
  for (var c = i; c < shape.k; c += WG) { sum += exp(x[row + c] - top); }
  sums[i] = sum;
  workgroupBarrier();
  sum = 0.0;
  for (var j = 0u; j < WG; j++) { sum += sums[j]; }

  let nan_bits = 0x7fc00000u;
  let nan = bitcast<f32>(nan_bits);
  let to = shape.y_offset + group.x * shape.y_stride;
  for (var c = i; c < shape.k; c += WG) { y[to + c] = select(exp(x[row + c] - top) / sum, nan, nans != 0u); }
}
