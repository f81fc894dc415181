// partials[g*WG + k] = sum over j of f(x[g*span + k + j*WG]) with f(v) = v or v*v, x flat
// A workgroup computes WG partials of `span` neighbouring elements, one partial an invocation.

const WG: u32 = 64u;     // @tune 64 128 256

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;               // pixel c
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;  // k

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let step = vec2u(WG / shape.channels, WG % shape.channels);
  let first = group.x * shape.span + lane;
  let end = min((group.x + 1u) * shape.span, shape.pixels * shape.channels);
  var at = vec2u(first / shape.channels, first % shape.channels);  // pixel, channel
  var sum = 0.0;
  for (var i = first; i < end; i += WG) {
    let v = x[shape.x_offset + at.x * shape.x_stride + at.y];
    sum += select(v, v * v, shape.squares != 0u);
    at = ahead(at, step);
  }
  partials[group.x * WG + lane] = sum;
}
