// dx[n,h,wd,c] = sum over the p,q whose window holds h,wd of dy[n,p,q,c] / elements of that window inside the image
// For windows of 3 columns that move by one: the sums of columns of windows slide along, so that each is made once.

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // n p q c
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;  // n h wd c

fn width() -> u32 { return shape.wd; }

fn strip(n: u32, h: u32, first: u32, end: u32, c: u32) {
  let windows = over(h + shape.top, shape.r, shape.stride_h, shape.p);
  var before = column(n, windows, first + shape.left, 2u, c);
  var here = column(n, windows, first + shape.left, 1u, c);
  for (var wd = first; wd < end; wd++) {
    let after = column(n, windows, wd + shape.left, 0u, c);
    var sum = before + here + after;
    let at = shape.dx_offset + ((n * shape.h + h) * shape.wd + wd) * shape.dx_stride + c;
    if (shape.accumulate != 0u) { sum += dx[at]; }
    dx[at] = sum;
    before = here;
    here = after;
  }
}

// Sum over windows [windows.x, windows.y) of the column q that starts `back` before col, 0 where there is none.
fn column(n: u32, windows: vec2u, col: u32, back: u32, c: u32) -> f32 {
  var sum = 0.0;
  let q = col - back;
  if (col < back || q >= shape.q) { return sum; }
  let cols = inside(q, 3u, shape.left, shape.wd);
  for (var p = windows.x; p < windows.y; p++) {
    let rows = inside(p * shape.stride_h, shape.r, shape.top, shape.h);
    let out = (n * shape.p + p) * shape.q + q;
    sum += dy[shape.dy_offset + out * shape.dy_stride + c] / f32((rows.y - rows.x) * (cols.y - cols.x));
  }
  return sum;
}
