// dx[n,p,q,o] = scale * dy[n,p,q,o] where y[n,p,q,o] > 0 or is NaN, or there is no relu, else 0 (and 0 at the kink)
// for either term of the sum: the convolution, or with scale 1 the shortcut.
// The mask comes from the output: neither term need be kept.

const WG: u32 = 64u;        // @tune 16 32 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> y: array<f32>;         // n p q o
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // n p q o
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // n p q o

fn prepare(o: u32) {}

fn element(pixel: u32, o: u32) {
  let d = shape.scale * dy[shape.dy_offset + pixel * shape.dy_stride + o];
  var sum = select(d, relu_gradient(y[shape.y_offset + pixel * shape.y_stride + o], d), shape.relu != 0u);
  let at = shape.dx_offset + pixel * shape.dx_stride + o;
  if (shape.accumulate != 0u) { sum += dx[at]; }
  dx[at] = sum;
}
