// norm[0] = sqrt(squares[0])
// factor[0] = min(1, limit / norm[0]); where squares[0] is infinite or NaN: -1 with gate, else NaN
// One invocation computes both. What is not finite is found and made by its bits: WGSL lets a compiler assume that
// floats are finite.

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> squares: array<u32>;       // 1, the bits of float32
@group(0) @binding(2) var<storage, read_write> norm: array<u32>;    // 1, the bits of float32
@group(0) @binding(3) var<storage, read_write> factor: array<u32>;  // 1, the bits of float32

@compute @workgroup_size(1)
fn main() {
  if ((squares[0] & 0x7f800000u) == 0x7f800000u) {
    norm[0] = squares[0];
    factor[0] = select(0x7fc00000u, 0xbf800000u, shape.gate != 0u);
    return;
  }
  let length = sqrt(bitcast<f32>(squares[0]));
  norm[0] = bitcast<u32>(length);
  factor[0] = bitcast<u32>(select(1.0, shape.limit / length, length > shape.limit));
}
