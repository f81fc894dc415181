// dx[i,c] = gamma[c] * rstd[c] * (dy[i,c] - means[0,c] - normal * means[1,c]), normal = (x[i,c] - mean[c]) * rstd[c]

const WG: u32 = 64u;        // @tune 16 32 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // pixel c
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // pixel c
@group(0) @binding(3) var<storage, read> mean: array<f32>;      // c
@group(0) @binding(4) var<storage, read> rstd: array<f32>;      // c
@group(0) @binding(5) var<storage, read> gamma: array<f32>;     // c
@group(0) @binding(6) var<storage, read> means: array<f32>;     // 2 c
@group(0) @binding(7) var<storage, read_write> dx: array<f32>;  // pixel c

var<private> average: f32;
var<private> scale: f32;
var<private> gain: f32;
var<private> slide: f32;
var<private> slope: f32;

fn prepare(c: u32) {
  average = mean[c];
  scale = rstd[c];
  gain = gamma[c] * scale;
  slide = means[c];
  slope = means[shape.channels + c];
}

fn element(pixel: u32, c: u32) {
  // without training dx does not depend on x, and what is not finite in x must not enter by a product with 0
  let distance = x[shape.x_offset + pixel * shape.x_stride + c] - average;
  let normal = select(0.0, distance * scale, shape.training != 0u);
  let centred = dy[shape.dy_offset + pixel * shape.dy_stride + c] - slide;
  let at = shape.dx_offset + pixel * shape.dx_stride + c;
  var sum = gain * fma(-normal, slope, centred);
  if (shape.accumulate != 0u) { sum += dx[at]; }
  dx[at] = sum;
}
