// Appended after kernels that look through a window.

// What is inside the image, [from, to), of the `window` rows or columns from `first` on, with `pad` before the image.
fn inside(first: u32, window: u32, pad: u32, extent: u32) -> vec2u {
  return vec2u(max(first, pad), min(first + window, pad + extent));
}
