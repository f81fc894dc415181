// dx[n,p,q,o] = scale * dy[n,p,q,o] where y[n,p,q,o] > 0 or is NaN, or there is no relu, else 0 (and 0 at the kink)
// for either term of the sum: the convolution, or with scale 1 the shortcut.
// A workgroup computes WG channels of `span` neighbouring pixels, or all channels of several at once where these are fewer.
// The mask comes from the output: neither term need be kept.

const WG: u32 = 64u;        // @tune 16 32 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> y: array<f32>;         // n p q o
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // n p q o
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // n p q o

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let width = min(shape.o, WG);  // channels the workgroup covers at once
  let deep = WG / width;         // pixels it covers at once
  let o = group.x * WG + lane % width;
  if (o >= shape.o || lane >= deep * width) { return; }
  let first = group.y * shape.span;
  let end = min(first + shape.span, shape.n * shape.p * shape.q);
  for (var pixel = first + lane / width; pixel < end; pixel += deep) {
    let d = shape.scale * dy[shape.dy_offset + pixel * shape.dy_stride + o];
    var sum = select(d, relu_gradient(y[shape.y_offset + pixel * shape.y_stride + o], d), shape.relu != 0u);
    let at = shape.dx_offset + pixel * shape.dx_stride + o;
    if (shape.accumulate != 0u) { sum += dx[at]; }
    dx[at] = sum;
  }
}
