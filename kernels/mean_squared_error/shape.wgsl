// Shared by the mean_squared_error kernels; appended after each of them, so that line numbers stay theirs.
struct Shape {
  pixels: u32, channels: u32, span: u32,
  partials: u32, scale: f32,
  x_offset: u32, x_stride: u32,
  wanted_offset: u32, wanted_stride: u32,
  dx_offset: u32, dx_stride: u32,
  accumulate: u32,
}
