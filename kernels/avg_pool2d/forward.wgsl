// y[n,p,q,c] = mean over r,s of x[n, p*stride_h - top + r, q*stride_w - left + s, c], where that is inside the image

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // n h wd c
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // n p q c

fn width() -> u32 { return shape.q; }

fn strip(n: u32, p: u32, first: u32, end: u32, c: u32) {
  let rows = inside(p * shape.stride_h, shape.r, shape.top, shape.h);
  for (var q = first; q < end; q++) {
    let cols = inside(q * shape.stride_w, shape.s, shape.left, shape.wd);
    var sum = 0.0;
    for (var row = rows.x; row < rows.y; row++) {
      for (var col = cols.x; col < cols.y; col++) {
        let pixel = (n * shape.h + row - shape.top) * shape.wd + col - shape.left;
        sum += x[shape.x_offset + pixel * shape.x_stride + c];
      }
    }
    let out = (n * shape.p + p) * shape.q + q;
    y[shape.y_offset + out * shape.y_stride + c] = sum / f32((rows.y - rows.x) * (cols.y - cols.x));
  }
}
