// dx[n,h,wd,c] = sum over the p,q whose window holds h,wd of dy[n,p,q,c] where index[n,p,q,c] is that position r*S + s,
// r = h + top - p*stride_h, s = wd + left - q*stride_w

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> index: array<u32>;     // n p q c
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // n p q c
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // n h wd c

fn width() -> u32 { return shape.wd; }

fn strip(n: u32, h: u32, first: u32, end: u32, c: u32) {
  let row = h + shape.top;
  let windows = over(row, shape.r, shape.stride_h, shape.p);
  var across = over(first + shape.left, shape.s, shape.stride_w, shape.q);
  for (var wd = first; wd < end; wd++) {
    let col = wd + shape.left;
    // by a pixel a window goes and one comes, at most: no division
    across.x += select(0u, 1u, across.x * shape.stride_w + shape.s <= col);
    across.y += select(0u, 1u, across.y < shape.q && across.y * shape.stride_w <= col);
    var sum = 0.0;
    for (var p = windows.x; p < windows.y; p++) {
      for (var q = across.x; q < across.y; q++) {
        let out = (n * shape.p + p) * shape.q + q;
        let tap = (row - p * shape.stride_h) * shape.s + col - q * shape.stride_w;
        let d = dy[shape.dy_offset + out * shape.dy_stride + c];
        sum += select(0.0, d, index[shape.index_offset + out * shape.c + c] == tap);
      }
    }
    let at = shape.dx_offset + ((n * shape.h + h) * shape.wd + wd) * shape.dx_stride + c;
    if (shape.accumulate != 0u) { sum += dx[at]; }
    dx[at] = sum;
  }
}
