// dx[n,h,wd,c] = sum over the p,q whose window holds h,wd of dy[n,p,q,c] / elements of that window inside the image

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // n p q c
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;  // n h wd c

fn width() -> u32 { return shape.wd; }

fn strip(n: u32, h: u32, first: u32, end: u32, c: u32) {
  let windows = over(h + shape.top, shape.r, shape.stride_h, shape.p);
  for (var wd = first; wd < end; wd++) {
    let across = over(wd + shape.left, shape.s, shape.stride_w, shape.q);
    var sum = 0.0;
    for (var p = windows.x; p < windows.y; p++) {
      let rows = inside(p * shape.stride_h, shape.r, shape.top, shape.h);
      for (var q = across.x; q < across.y; q++) {
        let cols = inside(q * shape.stride_w, shape.s, shape.left, shape.wd);
        let out = (n * shape.p + p) * shape.q + q;
        sum += dy[shape.dy_offset + out * shape.dy_stride + c] / f32((rows.y - rows.x) * (cols.y - cols.x));
      }
    }
    let at = shape.dx_offset + ((n * shape.h + h) * shape.wd + wd) * shape.dx_stride + c;
    if (shape.accumulate != 0u) { sum += dx[at]; }
    dx[at] = sum;
  }
}
