// y[n,p,q,c] = mean over r,s of x[n, p*stride_h - top + r, q*stride_w - left + s, c], where that is inside the image
// For windows of 3 columns that move by one: the sums of columns slide along, so that each is made once.

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // n h wd c
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // n p q c

fn width() -> u32 { return shape.q; }

fn strip(n: u32, p: u32, first: u32, end: u32, c: u32) {
  let rows = inside(p * shape.stride_h, shape.r, shape.top, shape.h);
  var before = column(n, rows, first, c);
  var here = column(n, rows, first + 1u, c);
  for (var q = first; q < end; q++) {
    let after = column(n, rows, q + 2u, c);
    let cols = inside(q, 3u, shape.left, shape.wd);
    let out = (n * shape.p + p) * shape.q + q;
    y[shape.y_offset + out * shape.y_stride + c] = (before + here + after) / f32((rows.y - rows.x) * (cols.y - cols.x));
    before = here;
    here = after;
  }
}

// Sum of channel c over rows [rows.x, rows.y) of column col, 0 where it is padding.
fn column(n: u32, rows: vec2u, col: u32, c: u32) -> f32 {
  var sum = 0.0;
  if (col < shape.left || col >= shape.left + shape.wd) { return sum; }
  for (var row = rows.x; row < rows.y; row++) {
    let pixel = (n * shape.h + row - shape.top) * shape.wd + col - shape.left;
    sum += x[shape.x_offset + pixel * shape.x_stride + c];
  }
  return sum;
}
