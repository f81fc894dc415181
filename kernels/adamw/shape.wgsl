// Shared by the adamw kernels; appended after each of them, so that line numbers stay theirs.
struct Shape {
  count: u32, span: u32,
  beta1: f32, rest1: f32,  // rest1 = 1 - beta1
  beta2: f32, rest2: f32,
  epsilon: f32,
  weight_decay: f32,
}
