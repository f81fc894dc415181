// Shared by all kernels that compute every element by itself; appended after each of them, before ahead.wgsl.
// A workgroup computes `span` neighbouring elements, WG at a time: `element(at, i)` the one of pixel at.x and channel
// at.y, which is the i-th of the tensor.

const WG: u32 = 64u;        // @tune 16 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let step = vec2u(WG / shape.channels, WG % shape.channels);
  let first = group.x * shape.span + lane;
  let end = min((group.x + 1u) * shape.span, shape.pixels * shape.channels);
  var at = vec2u(first / shape.channels, first % shape.channels);
  for (var i = first; i < end; i += WG) {
    element(at, i);
    at = ahead(at, step);
  }
}
