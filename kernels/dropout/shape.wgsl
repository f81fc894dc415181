// Shared by the dropout kernels; appended after each of them, so that line numbers stay theirs.
struct Shape {
  pixels: u32, channels: u32, span: u32,
  key: u32, threshold: u32, scale: f32,
  x_offset: u32, x_stride: u32,
  y_offset: u32, y_stride: u32,
  dy_offset: u32, dy_stride: u32,
  dx_offset: u32, dx_stride: u32,
  accumulate: u32,
}

// Scatters the bits of a word; no two words have the same image.
fn scatter(word: u32) -> u32 {
  var h = word + 0x9e3779b9u;
  h = (h ^ (h >> 16u)) * 0x21f0aaadu;
  h = (h ^ (h >> 15u)) * 0x735a2d97u;
  return h ^ (h >> 15u);
}

// 32 random bits for every element i of the stream that seed, step and key name.
fn random(seed: u32, step: u32, key: u32, i: u32) -> u32 {
  return scatter(scatter(scatter(scatter(i) ^ seed) ^ step) ^ key);
}

// What becomes of a value that is dropped: 0, and NaN where it is infinite or NaN, as `0 * value` is. By the bits, since
// compilers may assume that floats are finite; a NaN is made of those of the value.
fn dropped(value: f32) -> f32 {
  let bits = bitcast<u32>(value);
  return bitcast<f32>(select(0u, bits | 0x7fc00000u, (bits & 0x7f800000u) == 0x7f800000u));
}
