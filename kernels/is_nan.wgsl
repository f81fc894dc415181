// Appended after kernels that look for NaN.

// By the bits: compilers may assume that floats are never NaN.
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) << 1u) > 0xff000000u; }
