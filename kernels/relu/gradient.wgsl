// Shared by all kernels that go back through a rectified linear unit; appended after each of them, before function.wgsl.

// dy where y = relu(x) is not 0, else 0; a NaN passes dy. y may also be x itself.
fn relu_gradient(y: Vec, dy: Vec) -> Vec { return select(Vec(), dy, bitcast<VecI>(relu(y)) != VecI()); }
