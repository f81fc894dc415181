// y[n,p,q,c] = max over r,s of x[n, p*stride_h - top + r, q*stride_w - left + s, c], where that is inside the image
// index[n,p,q,c] = r*S + s of that maximum, the first of equal ones; the last NaN where there is one

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;            // n h wd c
@group(0) @binding(2) var<storage, read_write> y: array<f32>;      // n p q c
@group(0) @binding(3) var<storage, read_write> index: array<u32>;  // n p q c

fn width() -> u32 { return shape.q; }

fn strip(n: u32, p: u32, first: u32, end: u32, c: u32) {
  let above = p * shape.stride_h;
  let rows = inside(above, shape.r, shape.top, shape.h);
  let none = shape.r * shape.s;
  for (var q = first; q < end; q++) {
    let before = q * shape.stride_w;
    let cols = inside(before, shape.s, shape.left, shape.wd);
    var best = 0.0;
    var tap = none;
    for (var row = rows.x; row < rows.y; row++) {
      let pixel = (n * shape.h + row - shape.top) * shape.wd + cols.x - shape.left;
      var at = shape.x_offset + pixel * shape.x_stride + c;
      var here = (row - above) * shape.s + cols.x - before;
      for (var col = cols.x; col < cols.y; col++) {
        let value = x[at];
        let better = tap == none || value > best || is_nan(value);
        best = select(best, value, better);
        tap = select(tap, here, better);
        at += shape.x_stride;
        here++;
      }
    }
    let out = (n * shape.p + p) * shape.q + q;
    y[shape.y_offset + out * shape.y_stride + c] = best;
    index[shape.index_offset + out * shape.c + c] = tap;
  }
}
