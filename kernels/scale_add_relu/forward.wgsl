// y[i,c] = max(x[i,c] + scale * r[i,c], 0), or the sum itself where there is no relu
// A workgroup computes `span` neighbouring elements, WG at a time.

const WG: u32 = 64u;        // @tune 16 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // pixel c
@group(0) @binding(2) var<storage, read> r: array<f32>;        // pixel c
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // pixel c

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let step = vec2u(WG / shape.channels, WG % shape.channels);
  let first = group.x * shape.span + lane;
  let end = min((group.x + 1u) * shape.span, shape.pixels * shape.channels);
  var at = vec2u(first / shape.channels, first % shape.channels);  // pixel, channel
  for (var i = first; i < end; i += WG) {
    let residual = r[shape.r_offset + at.x * shape.r_stride + at.y];
    let sum = fma(shape.scale, residual, x[shape.x_offset + at.x * shape.x_stride + at.y]);
    y[shape.y_offset + at.x * shape.y_stride + at.y] = activation(sum);
    at = ahead(at, step);
  }
}
