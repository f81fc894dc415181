// y[n,p,q,c] = max over r,s of x[n, p*stride_h - top + r, q*stride_w - left + s, c], where that is inside the image
// index[n,p,q,c] = r*S + s of that maximum, the first of equal ones; the last NaN where there is one
// A workgroup computes WG channels of up to COLS neighbouring q: group.y is p, group.z is n and which of its strips.
// row and col count from the corner of the padding.

const WG: u32 = 64u;     // @tune 16 32 64 128
const COLS: u32 = 4u;    // @tune 1 4 16 64

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;            // n h wd c
@group(0) @binding(2) var<storage, read_write> y: array<f32>;      // n p q c
@group(0) @binding(3) var<storage, read_write> index: array<u32>;  // n p q c

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let c = group.x * WG + lane;
  if (c >= shape.c) { return; }
  let strips = (shape.q + COLS - 1u) / COLS;
  let n = group.z / strips;
  let first = group.z % strips * COLS;
  let end = min(first + COLS, shape.q);
  let above = group.y * shape.stride_h;
  let row_from = max(above, shape.top);
  let row_to = min(above + shape.r, shape.top + shape.h);
  let none = shape.r * shape.s;
  for (var q = first; q < end; q++) {
    let before = q * shape.stride_w;
    let col_from = max(before, shape.left);
    let col_to = min(before + shape.s, shape.left + shape.wd);
    var best = 0.0;
    var tap = none;
    for (var row = row_from; row < row_to; row++) {
      let pixel = (n * shape.h + row - shape.top) * shape.wd + col_from - shape.left;
      var at = shape.x_offset + pixel * shape.x_stride + c;
      var here = (row - above) * shape.s + col_from - before;
      for (var col = col_from; col < col_to; col++) {
        let value = x[at];
        let better = tap == none || value > best || is_nan(value);
        best = select(best, value, better);
        tap = select(tap, here, better);
        at += shape.x_stride;
        here++;
      }
    }
    let out = (n * shape.p + group.y) * shape.q + q;
    y[shape.y_offset + out * shape.y_stride + c] = best;
    index[shape.index_offset + out * shape.c + c] = tap;
  }
}
