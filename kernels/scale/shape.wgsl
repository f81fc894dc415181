// Shared by the scale kernels; appended after each of them, so that line numbers stay theirs.
struct Shape {
  pixels: u32, channels: u32, span: u32,
  scale: f32,
  x_offset: u32, x_stride: u32,
  y_offset: u32, y_stride: u32,
  accumulate: u32,
}
