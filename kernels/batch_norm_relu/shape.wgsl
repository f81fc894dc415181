// Shared by the batch_norm_relu kernels, and given to those of batch_norm that it runs; appended after each of them,
// so that line numbers stay theirs.
struct Shape {
  images: u32, pixels: u32, channels: u32,  // groups of pixels, and the pixels of one
  blocks: u32, rows: u32,                   // blocks of one group; pixels of a block, the last may have fewer
  parts: u32, each: u32,                    // moments of one group; how many of them are merged into a block
  columns: u32, extent: u32, span: u32,     // vectors of channels, pixels in all, and pixels of a workgroup
  training: u32, epsilon: f32, gain: f32,
  x_offset: u32, x_stride: u32,
  y_offset: u32, y_stride: u32,
  dy_offset: u32, dy_stride: u32,
  dx_offset: u32, dx_stride: u32,
  partial_offset: u32,
  accumulate: u32,
}
