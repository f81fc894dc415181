// dx[i,c] = gamma[c] * rstd[c] * (dy[i,c] - means[0,c] - normal * means[1,c]), normal = (x[i,c] - mean[c]) * rstd[c]
// A workgroup computes WG channels of `span` neighbouring pixels, or all channels of several at once where these are fewer.

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

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let width = min(shape.channels, WG);  // channels the workgroup covers at once
  let deep = WG / width;                // pixels it covers at once
  let c = group.x * WG + lane % width;
  if (c >= shape.channels || lane >= deep * width) { return; }
  let average = mean[c];
  let scale = rstd[c];
  let gain = gamma[c] * scale;
  let slide = means[c];
  let slope = means[shape.channels + c];
  let first = group.y * shape.span;
  let end = min(first + shape.span, shape.images * shape.pixels);
  for (var pixel = first + lane / width; pixel < end; pixel += deep) {
    // without training dx does not depend on x, and what is not finite in x must not enter by a product with 0
    let distance = x[shape.x_offset + pixel * shape.x_stride + c] - average;
    let normal = select(0.0, distance * scale, shape.training != 0u);
    let centred = dy[shape.dy_offset + pixel * shape.dy_stride + c] - slide;
    let at = shape.dx_offset + pixel * shape.dx_stride + c;
    var sum = gain * fma(-normal, slope, centred);
    if (shape.accumulate != 0u) { sum += dx[at]; }
    dx[at] = sum;
  }
}
