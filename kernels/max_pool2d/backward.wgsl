// dx[n,h,wd,c] = sum over the p,q whose window holds h,wd of dy[n,p,q,c] where index[n,p,q,c] is that position r*S + s,
// r = h + top - p*stride_h, s = wd + left - q*stride_w
// A workgroup computes WG channels of up to COLS neighbouring wd: group.y is h, group.z is n and which of its strips.
// row and col count from the corner of the padding.

const WG: u32 = 64u;     // @tune 16 32 64 128
const COLS: u32 = 4u;    // @tune 1 4 16 64

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> index: array<u32>;     // n p q c
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // n p q c
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // n h wd c

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
  var q_from = (max(first + shape.left + shape.stride_w, shape.s) - shape.s) / shape.stride_w;
  var q_to = min((first + shape.left) / shape.stride_w + 1u, shape.q);
  for (var wd = first; wd < end; wd++) {
    let col = wd + shape.left;
    // by a pixel a window goes and one comes, at most: no division
    q_from += select(0u, 1u, q_from * shape.stride_w + shape.s <= col);
    q_to += select(0u, 1u, q_to < shape.q && q_to * shape.stride_w <= col);
    var sum = 0.0;
    for (var p = p_from; p < p_to; p++) {
      for (var q = q_from; q < q_to; q++) {
        let out = (n * shape.p + p) * shape.q + q;
        let tap = (row - p * shape.stride_h) * shape.s + col - q * shape.stride_w;
        let d = dy[shape.dy_offset + out * shape.dy_stride + c];
        sum += select(0.0, d, index[shape.index_offset + out * shape.c + c] == tap);
      }
    }
    let pixel = (n * shape.h + group.y) * shape.wd + wd;
    let at = shape.dx_offset + pixel * shape.dx_stride + c;
    if (shape.accumulate != 0u) { sum += dx[at]; }
    dx[at] = sum;
  }
}
