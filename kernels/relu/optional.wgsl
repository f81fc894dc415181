// Shared by all kernels whose rectified linear unit is an attribute; appended after each of them, before function.wgsl.

fn activation(x: Vec) -> Vec { return select(x, relu(x), shape.relu != 0u); }
