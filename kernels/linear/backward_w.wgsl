// dw[k,o] = sum over n of x[n,k] * dy[n,o]
// A workgroup computes WG columns of ROWS neighbouring rows; its invocations share x.

const WG: u32 = 64u;     // @tune 16 32 64
const ROWS: u32 = 4u;    // @tune 1 4 16 64

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // n k
@group(0) @binding(2) var<storage, read> dy: array<f32>;        // n o
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;  // k o

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let o = group.x * WG + lane;
  if (o >= shape.o) { return; }
  let end = min((group.y + 1u) * ROWS, shape.k);
  for (var k = group.y * ROWS; k < end; k++) {
    var sum = 0.0;
    for (var n = 0u; n < shape.n; n++) {
      sum = fma(x[shape.x_offset + n * shape.k + k], dy[shape.dy_offset + n * shape.dy_stride + o], sum);
    }
    let at = k * shape.o + o;
    if (shape.accumulate != 0u) { sum += dw[at]; }
    dw[at] = sum;
  }
}
