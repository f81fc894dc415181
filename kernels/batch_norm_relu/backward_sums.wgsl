// With d[n,i,c] = dy[n,i,c] where normal * gamma[c] + beta[c] > 0, else 0, and normal = (x[n,i,c] - mean[c]) * rstd[c]:
// partial[n,k,0,c] = sum of d[n,i,c] over the pixels i of block k
// partial[n,k,1,c] = sum of d[n,i,c] * normal over the same pixels
// One invocation computes one channel of one block. The mask is computed as `normalise` computes y, to the bit.

const WG: u32 = 64u;     // @tune 32 64 128 256

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;              // n i c
@group(0) @binding(2) var<storage, read> dy: array<f32>;             // n i c
@group(0) @binding(3) var<storage, read> mean: array<f32>;           // c
@group(0) @binding(4) var<storage, read> rstd: array<f32>;           // c
@group(0) @binding(5) var<storage, read> gamma: array<f32>;          // c
@group(0) @binding(6) var<storage, read> beta: array<f32>;           // c
@group(0) @binding(7) var<storage, read_write> partial: array<f32>;  // n k 2 c

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= shape.channels) { return; }
  let own = vec4f(mean[c], rstd[c], gamma[c], beta[c]);
  let first = id.y * shape.rows;
  let rows = min(shape.rows, shape.pixels - first);
  let pixel = id.z * shape.pixels + first;
  var at_x = shape.x_offset + pixel * shape.x_stride + c;
  var at_dy = shape.dy_offset + pixel * shape.dy_stride + c;
  var sum = 0.0;
  var products = 0.0;
  for (var row = 0u; row < rows; row++) {
    let normal = (x[at_x] - own.x) * own.y;
    let d = select(0.0, dy[at_dy], fma(normal, own.z, own.w) > 0.0);
    sum += d;
    products = fma(d, normal, products);
    at_x += shape.x_stride;
    at_dy += shape.dy_stride;
  }
  let at = shape.partial_offset + (id.z * shape.blocks + id.y) * 2u * shape.channels + c;
  partial[at] = sum;
  partial[at + shape.channels] = products;
}
