// y[n,p,q,c] = mean over r,s of x[n, p*stride_h - top + r, q*stride_w - left + s, c], where that is inside the image
// A workgroup computes WG channels of up to COLS neighbouring q: group.y is p, group.z is n and which of its strips.
// For windows of 3 columns that move by one: the sums of columns slide along, so that each is made once.
// row and col count from the corner of the padding.

const WG: u32 = 64u;     // @tune 16 32 64 128
const COLS: u32 = 4u;    // @tune 1 4 16 64

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // n h wd c
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // n p q c

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let c = group.x * WG + lane;
  if (c >= shape.c) { return; }
  let strips = (shape.q + COLS - 1u) / COLS;
  let n = group.z / strips;
  let first = group.z % strips * COLS;
  let end = min(first + COLS, shape.q);
  let row_from = max(group.y * shape.stride_h, shape.top);
  let row_to = min(group.y * shape.stride_h + shape.r, shape.top + shape.h);
  var before = column(n, row_from, row_to, first, c);
  var here = column(n, row_from, row_to, first + 1u, c);
  for (var q = first; q < end; q++) {
    let after = column(n, row_from, row_to, q + 2u, c);
    let cols = min(q + 3u, shape.left + shape.wd) - max(q, shape.left);
    let out = (n * shape.p + group.y) * shape.q + q;
    y[shape.y_offset + out * shape.y_stride + c] = (before + here + after) / f32((row_to - row_from) * cols);
    before = here;
    here = after;
  }
}

// Sum of channel c over rows [start, stop) of column col, 0 where it is padding.
fn column(n: u32, start: u32, stop: u32, col: u32, c: u32) -> f32 {
  var sum = 0.0;
  if (col < shape.left || col >= shape.left + shape.wd) { return sum; }
  for (var row = start; row < stop; row++) {
    let pixel = (n * shape.h + row - shape.top) * shape.wd + col - shape.left;
    sum += x[shape.x_offset + pixel * shape.x_stride + c];
  }
  return sum;
}
