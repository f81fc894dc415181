// dx[i,c] = dy[i,c] where y[i,c] > 0 or is NaN, else 0 (and 0 at the kink)
// A workgroup computes `span` neighbouring elements, WG at a time.
// The mask comes from the output, so x need not be kept.

const WG: u32 = 64u;        // @tune 16 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> y: array<f32>;         // pixel c
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // pixel c
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // pixel c

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let step = vec2u(WG / shape.channels, WG % shape.channels);
  let first = group.x * shape.span + lane;
  let end = min((group.x + 1u) * shape.span, shape.pixels * shape.channels);
  var at = vec2u(first / shape.channels, first % shape.channels);  // pixel, channel
  for (var i = first; i < end; i += WG) {
    let from_y = shape.y_offset + at.x * shape.y_stride + at.y;
    let from_dy = shape.dy_offset + at.x * shape.dy_stride + at.y;
    let to = shape.dx_offset + at.x * shape.dx_stride + at.y;
    var sum = relu_gradient(y[from_y], dy[from_dy]);
    if (shape.accumulate != 0u) { sum += dx[to]; }
    dx[to] = sum;
    at = ahead(at, step);
  }
}
