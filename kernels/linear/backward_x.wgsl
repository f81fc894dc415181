// dx[n,k] = sum over o of dy[n,o] * w[k,o]
// One invocation computes one element; neighbours along n share a row of w.

const WG_X: u32 = 8u;    // @tune 1 2 4 8 16 32
const WG_Y: u32 = 8u;    // @tune 1 2 4 8 16 32

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> dy: array<f32>;        // n o
@group(0) @binding(2) var<storage, read> w: array<f32>;         // k o
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;  // n k

@compute @workgroup_size(WG_X, WG_Y)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let n = id.x;
  let k = id.y;
  if (n >= shape.n || k >= shape.k) { return; }
  let dy_at = shape.dy_offset + n * shape.dy_stride;
  let w_at = k * shape.o;
  var sum = 0.0;
  for (var o = 0u; o < shape.o; o++) { sum = fma(dy[dy_at + o], w[w_at + o], sum); }
  let at = shape.dx_offset + n * shape.k + k;
  if (shape.accumulate != 0u) { sum += dx[at]; }
  dx[at] = sum;
}
