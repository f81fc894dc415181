// Shared by the Winograd kernels: an image read, n h wd c, and one written, n p q o, in tiles.
struct Shape {
  h: u32, wd: u32, c: u32,
  p: u32, q: u32, o: u32,
  // tiles of one image, and of all
  down: u32, across: u32, tiles: u32,
  // rows and columns of zeros before the image that is read; below zero: as many of it are passed over
  top: i32, left: i32,
  x_offset: u32, x_stride: u32,
  v_offset: u32, m_offset: u32,
  y_offset: u32, y_stride: u32,
  accumulate: u32,
}
