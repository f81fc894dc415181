// dx[i,c] = gamma[c] * rstd[c] * (dy[i,c] - means[0,c] - normal * means[1,c]), normal = (x[i,c] - mean[c]) * rstd[c]
// One invocation computes one element.

const WG: u32 = 64u;     // @tune 32 64 128 256

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // pixel c
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // pixel c
@group(0) @binding(3) var<storage, read> mean: array<f32>;      // c
@group(0) @binding(4) var<storage, read> rstd: array<f32>;      // c
@group(0) @binding(5) var<storage, read> gamma: array<f32>;     // c
@group(0) @binding(6) var<storage, read> means: array<f32>;     // 2 c
@group(0) @binding(7) var<storage, read_write> dx: array<f32>;  // pixel c

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.images * shape.pixels * shape.channels) { return; }
  let c = id.x % shape.channels;
  let pixel = id.x / shape.channels;
  // without training dx does not depend on x, and what is not finite in x must not enter by a product with 0
  let distance = x[shape.x_offset + pixel * shape.x_stride + c] - mean[c];
  let normal = select(0.0, distance * rstd[c], shape.training != 0u);
  let centred = dy[shape.dy_offset + pixel * shape.dy_stride + c] - means[c];
  let at = shape.dx_offset + pixel * shape.dx_stride + c;
  var sum = gamma[c] * rstd[c] * fma(-normal, means[shape.channels + c], centred);
  if (shape.accumulate != 0u) { sum += dx[at]; }
  dx[at] = sum;
}
