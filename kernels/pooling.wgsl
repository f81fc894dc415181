// Shared by all kernels that slide a window over an image; appended after each of them.
// A workgroup computes WG channels of up to COLS neighbouring pixels of a line: group.y is the line, group.z the image and
// which of its strips. `width()` is the length of a line; `strip(n, line, first, end, c)` computes channel c of pixels
// [first, end) of it. Rows and columns of the padded image count from the corner of the padding.

const WG: u32 = 64u;     // @tune 16 32 64 128
const COLS: u32 = 4u;    // @tune 1 4 16 64

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let c = group.x * WG + lane;
  if (c >= shape.c) { return; }
  let strips = (width() + COLS - 1u) / COLS;
  let first = group.z % strips * COLS;
  strip(group.z / strips, group.y, first, min(first + COLS, width()), c);
}
