// y[i] = half(x[2i]) | half(x[2i+1]) << 16, and 0 beyond the end of x
// A workgroup computes `span` neighbouring words, WG at a time. Integers only: pack2x16float may round either way, flush
// subnormals, and says nothing of values beyond 65504.

const WG: u32 = 64u;        // @tune 16 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<u32>;        // pixel c, the bits of float32
@group(0) @binding(2) var<storage, read_write> y: array<u32>;  // word

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let count = shape.pixels * shape.channels;
  let step = vec2u(2u * WG / shape.channels, 2u * WG % shape.channels);
  let first = group.x * shape.span + lane;
  let end = min((group.x + 1u) * shape.span, (count + 1u) / 2u);
  var low = vec2u(2u * first / shape.channels, 2u * first % shape.channels);  // pixel, channel
  for (var word = first; word < end; word += WG) {
    let high = ahead(low, vec2u(1u / shape.channels, 1u % shape.channels));
    var bits = half(low);
    if (2u * word + 1u < count) { bits |= half(high) << 16u; }
    y[word] = bits;
    low = ahead(low, step);
  }
}

// Element `at` of x in float16: to nearest, ties to even.
fn half(at: vec2u) -> u32 {
  let bits = x[shape.x_offset + at.x * shape.x_stride + at.y];
  let sign = (bits >> 16u) & 0x8000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { return sign | 0x7e00u; }   // NaN
  if (magnitude >= 0x477ff000u) { return sign | 0x7c00u; }  // 65520 and above: infinity
  var digits = magnitude - 0x38000000u;                     // the exponent's bias less 112
  var drop = 13u;
  if (magnitude < 0x38800000u) {                            // below 2^-14: a multiple of 2^-24
    digits = (magnitude & 0x7fffffu) | 0x800000u;
    drop = min(126u - (magnitude >> 23u), 25u);
  }
  let rounded = digits + (1u << (drop - 1u)) - 1u + ((digits >> drop) & 1u);
  return sign | (rounded >> drop);
}
