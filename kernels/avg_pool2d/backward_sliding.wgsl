// dx[n,h,wd,c] = sum over the p,q whose window holds h,wd of dy[n,p,q,c] / elements of that window inside the image
// A workgroup computes WG channels of up to COLS neighbouring wd: group.y is h, group.z is n and which of its strips.
// For windows of 3 columns that move by one: the sums of columns of windows slide along, so that each is made once.
// row and col count from the corner of the padding.

const WG: u32 = 64u;     // @tune 16 32 64 128
const COLS: u32 = 4u;    // @tune 1 4 16 64

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // n p q c
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;  // n h wd c

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let c = group.x * WG + lane;
  if (c >= shape.c) { return; }
  let strips = (shape.wd + COLS - 1u) / COLS;
  let n = group.z / strips;
  let first = group.z % strips * COLS;
  let end = min(first + COLS, shape.wd);
  // the windows that hold the pixel: p*stride_h <= row < p*stride_h + r
  let row = group.y + shape.top;
  let p_from = (max(row + shape.stride_h, shape.r) - shape.r) / shape.stride_h;
  let p_to = min(row / shape.stride_h + 1u, shape.p);
  var before = column(n, p_from, p_to, first + shape.left, 2u, c);
  var here = column(n, p_from, p_to, first + shape.left, 1u, c);
  for (var wd = first; wd < end; wd++) {
    let after = column(n, p_from, p_to, wd + shape.left, 0u, c);
    var sum = before + here + after;
    let pixel = (n * shape.h + group.y) * shape.wd + wd;
    let at = shape.dx_offset + pixel * shape.dx_stride + c;
    if (shape.accumulate != 0u) { sum += dx[at]; }
    dx[at] = sum;
    before = here;
    here = after;
  }
}

// Sum over windows [start, stop) of the column q that starts `back` before col, 0 where there is none.
fn column(n: u32, start: u32, stop: u32, col: u32, back: u32, c: u32) -> f32 {
  var sum = 0.0;
  let q = col - back;
  if (col < back || q >= shape.q) { return sum; }
  let cols = min(q + 3u, shape.left + shape.wd) - max(q, shape.left);
  for (var p = start; p < stop; p++) {
    let above = p * shape.stride_h;
    let rows = min(above + shape.r, shape.top + shape.h) - max(above, shape.top);
    let out = (n * shape.p + p) * shape.q + q;
    sum += dy[shape.dy_offset + out * shape.dy_stride + c] / f32(rows * cols);
  }
  return sum;
}
