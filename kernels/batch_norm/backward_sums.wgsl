// partial[n,k,0,c] = sum of dy[n,i,c] over the pixels i of block k
// partial[n,k,1,c] = sum of dy[n,i,c] * (x[n,i,c] - mean[c]) * rstd[c] over the same pixels
// One invocation computes one channel of one block.

const WG: u32 = 64u;     // @tune 16 32 64 128

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;              // n i c
@group(0) @binding(2) var<storage, read> dy: array<f32>;             // n i c
@group(0) @binding(3) var<storage, read> mean: array<f32>;           // c
@group(0) @binding(4) var<storage, read> rstd: array<f32>;           // c
@group(0) @binding(5) var<storage, read_write> partial: array<f32>;  // n k 2 c

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.images * shape.blocks * shape.channels) { return; }
  let c = id.x % shape.channels;
  let part = id.x / shape.channels;
  let first = part % shape.blocks * shape.rows;
  let start = part / shape.blocks * shape.pixels + first;
  let end = start + min(shape.rows, shape.pixels - first);
  let average = mean[c];
  let scale = rstd[c];
  var sum = 0.0;
  var products = 0.0;
  for (var pixel = start; pixel < end; pixel++) {
    let d = dy[shape.dy_offset + pixel * shape.dy_stride + c];
    let normal = (x[shape.x_offset + pixel * shape.x_stride + c] - average) * scale;
    sum += d;
    products = fma(d, normal, products);
  }
  let at = shape.partial_offset + part * 2u * shape.channels + c;
  partial[at] = sum;
  partial[at + shape.channels] = products;
}
