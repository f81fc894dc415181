// y[n,p,q,c] = mean over r,s of x[n, p*stride_h - top + r, q*stride_w - left + s, c], where that is inside the image
// A workgroup computes WG channels of up to COLS neighbouring q: group.y is p, group.z is n and which of its strips.
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
  for (var q = first; q < end; q++) {
    let col_from = max(q * shape.stride_w, shape.left);
    let col_to = min(q * shape.stride_w + shape.s, shape.left + shape.wd);
    var sum = 0.0;
    for (var row = row_from; row < row_to; row++) {
      for (var col = col_from; col < col_to; col++) {
        let pixel = (n * shape.h + row - shape.top) * shape.wd + col - shape.left;
        sum += x[shape.x_offset + pixel * shape.x_stride + c];
      }
    }
    let out = (n * shape.p + group.y) * shape.q + q;
    y[shape.y_offset + out * shape.y_stride + c] = sum / f32((row_to - row_from) * (col_to - col_from));
  }
}
