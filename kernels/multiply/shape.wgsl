// Shared by the multiply kernels; appended after each of them, so that line numbers stay theirs.
struct Shape {
  pixels: u32, channels: u32, span: u32,
  a_offset: u32, a_stride: u32,
  b_offset: u32, b_stride: u32,
  y_offset: u32, y_stride: u32,
  dy_offset: u32, dy_stride: u32,
  factor_offset: u32, factor_stride: u32,
  dx_offset: u32, dx_stride: u32,
  accumulate: u32,
}
