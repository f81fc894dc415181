// With d[n,i,c] = dy[n,i,c] where normal * gamma[c] + beta[c] > 0 or is NaN, else 0, and normal = (x[n,i,c] - mean[c]) * rstd[c]:
// dbeta[c] = sum over n,i of d[n,i,c]
// dgamma[c] = sum over n,i of d[n,i,c] * normal
// means[0,c] and means[1,c] = the same over all pixels
// One invocation computes WIDTH channels, block by block in the order of `backward_sums` and `backward_finish`: one
// launch where images are small. What dbeta and dgamma may be added onto does not enter the means.

const WG: u32 = 8u;  // @tune 8 32 64

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<Vec>;             // n i c
@group(0) @binding(2) var<storage, read> dy: array<Vec>;            // n i c
@group(0) @binding(3) var<storage, read> mean: array<Vec>;          // c
@group(0) @binding(4) var<storage, read> rstd: array<Vec>;          // c
@group(0) @binding(5) var<storage, read> gamma: array<Vec>;         // c
@group(0) @binding(6) var<storage, read> beta: array<Vec>;          // c
@group(0) @binding(7) var<storage, read_write> means: array<Vec>;   // 2 c
@group(0) @binding(8) var<storage, read_write> dgamma: array<Vec>;  // c
@group(0) @binding(9) var<storage, read_write> dbeta: array<Vec>;   // c

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let vectors = shape.channels / WIDTH;
  let c = id.x;
  if (c >= vectors) { return; }
  let centre = mean[c];
  let spread = rstd[c];
  let scale = gamma[c];
  let shift = beta[c];
  var at_x = shape.x_offset / WIDTH + c;
  var at_dy = shape.dy_offset / WIDTH + c;
  var sum = Vec();
  var products = Vec();
  for (var n = 0u; n < shape.images; n++) {
    for (var k = 0u; k < shape.blocks; k++) {
      var part = Vec();
      var part_products = Vec();
      for (var row = k * shape.rows; row < min((k + 1u) * shape.rows, shape.pixels); row++) {
        let normal = (x[at_x] - centre) * spread;
        let d = relu_gradient(fma(normal, scale, shift), dy[at_dy]);
        part += d;
        part_products = fma(d, normal, part_products);
        at_x += shape.x_stride / WIDTH;
        at_dy += shape.dy_stride / WIDTH;
      }
      sum += part;
      products += part_products;
    }
  }
  let total = f32(shape.images * shape.pixels);
  means[c] = sum / total;
  means[vectors + c] = products / total;
  if (shape.accumulate != 0u) { sum += dbeta[c]; products += dgamma[c]; }
  dbeta[c] = sum;
  dgamma[c] = products;
}
