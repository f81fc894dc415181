// dx[i,c] = gamma[c] * rstd[c] * (d - means[0,c] - normal * means[1,c]), normal = (x[i,c] - mean[c]) * rstd[c],
// d = dy[i,c] where normal * gamma[c] + beta[c] > 0, else 0
// One invocation computes one channel of PASSES pixels, as in `normalise`, which makes y by the same operations: the
// mask is that of y to the bit.

const WG: u32 = 32u;      // @tune 32 64 128
const PASSES: u32 = 64u;  // @tune 4 16 64

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // pixel c
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // pixel c
@group(0) @binding(3) var<storage, read> mean: array<f32>;      // c
@group(0) @binding(4) var<storage, read> rstd: array<f32>;      // c
@group(0) @binding(5) var<storage, read> gamma: array<f32>;     // c
@group(0) @binding(6) var<storage, read> beta: array<f32>;      // c
@group(0) @binding(7) var<storage, read> means: array<f32>;     // 2 c
@group(0) @binding(8) var<storage, read_write> dx: array<f32>;  // pixel c

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let width = min(shape.channels, WG);
  let deep = WG / width;
  let c = group.x * WG + lane % width;
  if (c >= shape.channels || lane >= deep * width) { return; }
  let own = vec4f(mean[c], rstd[c], gamma[c], beta[c]);
  let scale = own.z * own.y;
  let average = means[c];
  let slope = means[shape.channels + c];
  let first = group.y * deep * PASSES;
  let end = min(first + deep * PASSES, shape.pixels);
  for (var pixel = first + lane / width; pixel < end; pixel += deep) {
    let normal = (x[shape.x_offset + pixel * shape.x_stride + c] - own.x) * own.y;
    let passes = fma(normal, own.z, own.w) > 0.0;
    let d = select(0.0, dy[shape.dy_offset + pixel * shape.dy_stride + c], passes);
    let at = shape.dx_offset + pixel * shape.dx_stride + c;
    var sum = scale * fma(-normal, slope, d - average);
    if (shape.accumulate != 0u) { sum += dx[at]; }
    dx[at] = sum;
  }
}
