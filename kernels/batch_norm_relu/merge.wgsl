// With count[k] the pixels of part k, for the parts of block j of group g and N pixels in all of them:
// merged[g,j,0,c] = sum over k of count[k] * moments[g,k,0,c] / N
// merged[g,j,1,c] = sum over k of moments[g,k,1,c] + count[k] * (moments[g,k,0,c] - merged[g,j,0,c])^2
// (Chan et al., 1979). One invocation computes one channel of one block.

const WG: u32 = 32u;     // @tune 8 16 32 64

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> moments: array<f32>;       // g k 2 c
@group(0) @binding(2) var<storage, read_write> merged: array<f32>;  // g j 2 c

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= shape.channels) { return; }
  let first = id.y * shape.each;
  let parts = min(shape.each, shape.parts - first);
  // only the last part of a group has fewer pixels than the others
  let last = min(shape.rows, shape.pixels - (first + parts - 1u) * shape.rows);
  let total = f32((parts - 1u) * shape.rows + last);
  let start = (id.z * shape.parts + first) * 2u * shape.channels + c;
  let shift = moments[start];
  var sum = 0.0;
  var at = start;
  for (var part = 1u; part <= parts; part++) {
    sum = fma(f32(select(shape.rows, last, part == parts)), moments[at] - shift, sum);
    at += 2u * shape.channels;
  }
  let average = shift + sum / total;
  var squares = 0.0;
  at = start;
  for (var part = 1u; part <= parts; part++) {
    let d = moments[at] - average;
    squares += fma(f32(select(shape.rows, last, part == parts)) * d, d, moments[at + shape.channels]);
    at += 2u * shape.channels;
  }
  let to = (id.z * shape.blocks + id.y) * 2u * shape.channels + c;
  merged[to] = average;
  merged[to + shape.channels] = squares;
}
