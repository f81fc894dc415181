// Shared by the batch_norm kernels; appended after each of them, so that line numbers stay theirs.
struct Shape {
  images: u32, pixels: u32, channels: u32,  // pixels of one image
  blocks: u32, rows: u32,                   // blocks of one image; pixels of a block, the last may have fewer
  columns: u32, extent: u32, span: u32,     // channels and pixels in all, and pixels of a workgroup, for columns.wgsl
  training: u32, epsilon: f32, gain: f32,
  x_offset: u32, x_stride: u32,
  y_offset: u32, y_stride: u32,
  dy_offset: u32, dy_stride: u32,
  dx_offset: u32, dx_stride: u32,
  partial_offset: u32,
  accumulate: u32,
}
