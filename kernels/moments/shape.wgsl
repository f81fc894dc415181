// Of the moments kernel; appended after it, so that its line numbers stay its own.
struct Shape {
  pixels: u32, channels: u32,  // pixels of one group
  parts: u32, rows: u32,       // parts of one group; pixels of a part, the last may have fewer
  x_offset: u32, x_stride: u32,
  moments_offset: u32,
}
