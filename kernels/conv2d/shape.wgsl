// Shared by the conv2d kernels and those with an epilogue; appended after each of them, so that line numbers stay theirs.
struct Shape {
  n: u32, h: u32, wd: u32, c: u32,
  p: u32, q: u32, o: u32,
  r: u32, s: u32,
  stride_h: u32, stride_w: u32,
  top: u32, left: u32,
  x_offset: u32, x_stride: u32,
  y_offset: u32, y_stride: u32,
  dy_offset: u32, dy_stride: u32,
  dx_offset: u32, dx_stride: u32,
  parts: u32,
  accumulate: u32,
  // of epilogues
  shortcut_offset: u32, shortcut_stride: u32,
  scale: f32, relu: u32, epsilon: f32,
  columns: u32, extent: u32, span: u32,
}
