// Shared by all kernels with a rectified linear unit; appended after each of them, as is scalar.wgsl or vec4.wgsl.

const MINUS_INFINITY: i32 = -0x800000;  // its bits

// 0 from -infinity to 0, and x itself elsewhere: a NaN stays a NaN. `max(x, 0)` would make it 0 on many adapters, and
// compilers may assume that floats are never NaN, so the bits are compared: those of the numbers that become 0 are the
// integers up to those of -infinity.
fn relu(x: Vec) -> Vec { return select(x, Vec(), bitcast<VecI>(x) <= VecI(MINUS_INFINITY)); }
