// y[i] = single(x[i/2] >> 16 * (i%2))
// A workgroup computes the elements of `span` neighbouring words, WG at a time. Exact; integers but for subnormals, which
// unpack2x16float may flush.

const WG: u32 = 64u;        // @tune 16 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<u32>;        // word
@group(0) @binding(2) var<storage, read_write> y: array<u32>;  // pixel c, the bits of float32

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let count = shape.pixels * shape.channels;
  let step = vec2u(2u * WG / shape.channels, 2u * WG % shape.channels);
  let first = group.x * shape.span + lane;
  let end = min((group.x + 1u) * shape.span, (count + 1u) / 2u);
  var low = vec2u(2u * first / shape.channels, 2u * first % shape.channels);  // pixel, channel
  for (var word = first; word < end; word += WG) {
    let high = ahead(low, vec2u(1u / shape.channels, 1u % shape.channels));
    y[place(low)] = single(x[word] & 0xffffu);
    if (2u * word + 1u < count) { y[place(high)] = single(x[word] >> 16u); }
    low = ahead(low, step);
  }
}

fn place(at: vec2u) -> u32 { return shape.y_offset + at.x * shape.y_stride + at.y; }

// The bits in float32 of a float16's bits.
fn single(bits: u32) -> u32 {
  let sign = (bits & 0x8000u) << 16u;
  let magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00u) { return sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13u); }  // infinity, NaN
  if (magnitude >= 0x400u) { return sign | ((magnitude << 13u) + 0x38000000u); }            // bias 15 becomes 127
  return sign | bitcast<u32>(f32(magnitude) * 0x1p-24f);
}
