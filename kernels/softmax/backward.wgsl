// dx[n,c] = y[n,c] * (dy[n,c] - sum over j of y[n,j] * dy[n,j])
// One workgroup computes one row: invocation i takes the elements i, i + WG, ..., then every invocation folds what all
// have summed, in their order.

const WG: u32 = 64u;     // @tune 32 64 128 256

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> y: array<f32>;         // n k
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // n k
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // n k

var<workgroup> sums: array<f32, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  let row = shape.y_offset + group.x * shape.y_stride;
  let from_dy = shape.dy_offset + group.x * shape.dy_stride;
  let to = shape.dx_offset + group.x * shape.dx_stride;
  var products = 0.0;
  for (var c = i; c < shape.k; c += WG) { products = fma(y[row + c], dy[from_dy + c], products); }
  sums[i] = products;
  workgroupBarrier();
  products = 0.0;
  for (var j = 0u; j < WG; j++) { products += sums[j]; }
  for (var c = i; c < shape.k; c += WG) {
    var sum = y[row + c] * (dy[from_dy + c] - products);
    if (shape.accumulate != 0u) { sum += dx[to + c]; }
    dx[to + c] = sum;
  }
}
