// log_sum[n] = top + log(sum over c of exp(logits[n,c] - top)), where top = max over c of logits[n,c]
// losses[n] = log_sum[n] - sum over c of target[n,c] * logits[n,c]
// rank[n] = number of c whose logit is above that of labels[n], or equal with c < labels[n]; 2^32 - 1 where a logit of
// the row is not finite
// One workgroup computes one row: invocation i takes the classes i, i + WG, ..., then every invocation folds what
// all have found, in their order. Where the label is no class, log_sum and losses are NaN and rank is 2^32 - 1.
// Distances of logits are computed DOWN times smaller, which changes no bit but that two of 3e38 have one.

const WG: u32 = 64u;     // @tune 32 64 128 256

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> logits: array<f32>;         // n k
@group(0) @binding(2) var<storage, read> labels: array<i32>;         // n
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;   // n
@group(0) @binding(4) var<storage, read_write> log_sum: array<f32>;  // n
@group(0) @binding(5) var<storage, read_write> rank: array<u32>;     // n

const DOWN: f32 = 0x1p-24f;

var<workgroup> tops: array<f32, WG>;
var<workgroup> exps: array<f32, WG>;
var<workgroup> sums: array<f32, WG>;
var<workgroup> ranks: array<u32, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  let n = group.x;
  let row = shape.logits_offset + n * shape.logits_stride;
  let label = u32(labels[n]);  // one below 0 is beyond k as well
  let valid = label < shape.k;
  let own = logits[row + select(0u, label, valid)];

  var top = logits[row];
  for (var c = i; c < shape.k; c += WG) { top = max(top, logits[row + c]); }
  tops[i] = top;
  workgroupBarrier();
  for (var j = 0u; j < WG; j++) { top = max(top, tops[j]); }

  var exp_sum = 0.0;
  var sum = 0.0;
  var above = 0u;
  for (var c = i; c < shape.k; c += WG) {
    let logit = logits[row + c];
    exp_sum += exp(logit - top);
    sum += logit * DOWN - top * DOWN;
    let below = logit < own || (logit == own && c >= label);
    above = select(above + select(1u, 0u, below), shape.k, is_strange(logit));
  }
  exps[i] = exp_sum;
  sums[i] = sum;
  ranks[i] = above;
  workgroupBarrier();
  if (i > 0u) { return; }
  for (var j = 1u; j < WG; j++) {
    exp_sum += exps[j];
    sum += sums[j];
    above += ranks[j];
  }
  let nan_bits = 0x7fc00000u;
  let nan = bitcast<f32>(nan_bits);
  let log_exp = log(exp_sum);
  // a logit of -infinity that is not in the target costs nothing: no product of 0 with it
  let spread = select(0.0, shape.on_each * sum, shape.on_each > 0.0) / DOWN;
  losses[n] = select(nan, log_exp - shape.on_label * (own * DOWN - top * DOWN) / DOWN - spread, valid);
  log_sum[n] = select(nan, top + log_exp, valid);
  rank[n] = select(0xffffffffu, above, valid && above < shape.k);
}

// Infinite or NaN, by the bits: compilers may assume that floats are neither.
fn is_strange(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u; }
