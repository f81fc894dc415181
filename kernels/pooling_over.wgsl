// Appended after kernels that go from a pixel to the windows that hold it.

// The windows, [from, to), of `count` that hold the row or column `at`: i*stride <= at < i*stride + window.
fn over(at: u32, window: u32, stride: u32, count: u32) -> vec2u {
  return vec2u((max(at + stride, window) - window) / stride, min(at / stride + 1u, count));
}
