// partial[n,k,0,c] = mean of x[n,i,c] over the pixels i of block k
// partial[n,k,1,c] = sum over the same pixels of (x[n,i,c] - partial[n,k,0,c])^2
// One invocation computes one channel of one block, in two passes. The second measures what rounding left in the
// mean of the first and takes it out, so that a mean far from zero costs no accuracy.

const WG: u32 = 64u;     // @tune 16 32 64 128

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;              // n i c
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;  // n k 2 c

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.images * shape.blocks * shape.channels) { return; }
  let c = id.x % shape.channels;
  let part = id.x / shape.channels;
  let first = part % shape.blocks * shape.rows;
  let rows = min(shape.rows, shape.pixels - first);
  let start = shape.x_offset + (part / shape.blocks * shape.pixels + first) * shape.x_stride + c;
  var sum = 0.0;
  for (var i = 0u; i < rows; i++) { sum += x[start + i * shape.x_stride]; }
  let rough = sum / f32(rows);
  var rest = 0.0;
  var squares = 0.0;
  for (var i = 0u; i < rows; i++) {
    let d = x[start + i * shape.x_stride] - rough;
    rest += d;
    squares = fma(d, d, squares);
  }
  let at = shape.partial_offset + part * 2u * shape.channels + c;
  partial[at] = rough + rest / f32(rows);
  partial[at + shape.channels] = relu(squares - rest * rest / f32(rows));
}
