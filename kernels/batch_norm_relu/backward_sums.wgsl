// With d[n,i,c] = dy[n,i,c] where normal * gamma[c] + beta[c] > 0 or is NaN, else 0, and normal = (x[n,i,c] - mean[c]) * rstd[c]:
// partial[n,k,0,c] = sum of d[n,i,c] over the pixels i of block k
// partial[n,k,1,c] = sum of d[n,i,c] * normal over the same pixels
// One invocation computes WIDTH channels of one block. The mask is computed as `normalise` computes y, to the bit.

const WG: u32 = 64u;     // @tune 32 64 128 256

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<Vec>;              // n i c
@group(0) @binding(2) var<storage, read> dy: array<Vec>;             // n i c
@group(0) @binding(3) var<storage, read> mean: array<Vec>;           // c
@group(0) @binding(4) var<storage, read> rstd: array<Vec>;           // c
@group(0) @binding(5) var<storage, read> gamma: array<Vec>;          // c
@group(0) @binding(6) var<storage, read> beta: array<Vec>;           // c
@group(0) @binding(7) var<storage, read_write> partial: array<Vec>;  // n k 2 c

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let vectors = shape.channels / WIDTH;
  let c = id.x;
  if (c >= vectors) { return; }
  let centre = mean[c];
  let spread = rstd[c];
  let scale = gamma[c];
  let shift = beta[c];
  let first = id.y * shape.rows;
  let rows = min(shape.rows, shape.pixels - first);
  let pixel = id.z * shape.pixels + first;
  var at_x = (shape.x_offset + pixel * shape.x_stride) / WIDTH + c;
  var at_dy = (shape.dy_offset + pixel * shape.dy_stride) / WIDTH + c;
  var sum = Vec();
  var products = Vec();
  for (var row = 0u; row < rows; row++) {
    let normal = (x[at_x] - centre) * spread;
    let d = relu_gradient(fma(normal, scale, shift), dy[at_dy]);
    sum += d;
    products = fma(d, normal, products);
    at_x += shape.x_stride / WIDTH;
    at_dy += shape.dy_stride / WIDTH;
  }
  let at = shape.partial_offset / WIDTH + (id.z * shape.blocks + id.y) * 2u * vectors + c;
  partial[at] = sum;
  partial[at + vectors] = products;
}
