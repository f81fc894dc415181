// Shared by the cast kernels; appended after each of them, so that line numbers stay theirs.
struct Shape {
  pixels: u32, channels: u32, span: u32,
  x_offset: u32, x_stride: u32,
  y_offset: u32, y_stride: u32,
}

// (pixel, channel) of the element that is so many pixels and channels ahead.
fn ahead(at: vec2u, step: vec2u) -> vec2u {
  let next = at + step;
  return select(next, next + vec2u(1u, 0u - shape.channels), next.y >= shape.channels);
}
