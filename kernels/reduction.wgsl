// Shared by all kernels that sum over the elements of a tensor; appended after each of them, before ahead.wgsl.
// partials[g*WG + k] = sum over j of term of element g*span + k + j*WG
// A workgroup computes WG partials of `span` neighbouring elements, one partial an invocation: `term(at)` is what the
// element of pixel at.x and channel at.y adds.

const WG: u32 = 64u;     // @tune 64 128 256

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let step = vec2u(WG / shape.channels, WG % shape.channels);
  let first = group.x * shape.span + lane;
  let end = min((group.x + 1u) * shape.span, shape.pixels * shape.channels);
  var at = vec2u(first / shape.channels, first % shape.channels);
  var sum = 0.0;
  for (var i = first; i < end; i += WG) {
    sum += term(at);
    at = ahead(at, step);
  }
  partials[group.x * WG + lane] = sum;
}
