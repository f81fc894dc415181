// moments[g,k,0,c] = mean of x[g,i,c] over the pixels i of part k, ROWS in a row or what is left of the group
// moments[g,k,1,c] = sum over the same pixels of (x[g,i,c] - moments[g,k,0,c])^2
// One invocation computes one channel of PARTS parts in a row, each in two passes. The second measures what rounding
// left in the mean of the first and takes it out, so that a mean far from zero costs no accuracy.

const WG: u32 = 64u;     // @tune 32 64 128 256
const PARTS: u32 = 4u;   // @tune 1 2 4 8

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;              // g i c
@group(0) @binding(2) var<storage, read_write> moments: array<f32>;  // g k 2 c

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= shape.channels) { return; }
  for (var i = 0u; i < PARTS; i++) {
    let part = id.y * PARTS + i;
    if (part >= shape.parts) { return; }
    let first = part * shape.rows;
    let rows = min(shape.rows, shape.pixels - first);
    let start = shape.x_offset + (id.z * shape.pixels + first) * shape.x_stride + c;
    var at = start;
    var sum = 0.0;
    for (var row = 0u; row < rows; row++) {
      sum += x[at];
      at += shape.x_stride;
    }
    let rough = sum / f32(rows);
    at = start;
    var rest = 0.0;
    var squares = 0.0;
    for (var row = 0u; row < rows; row++) {
      let d = x[at] - rough;
      rest += d;
      squares = fma(d, d, squares);
      at += shape.x_stride;
    }
    let to = shape.moments_offset + (id.z * shape.parts + part) * 2u * shape.channels + c;
    moments[to] = rough + rest / f32(rows);
    moments[to + shape.channels] = relu(squares - rest * rest / f32(rows));
  }
}
