// Shared by the rmsprop kernels; appended after each of them, so that line numbers stay theirs.
struct Shape {
  count: u32, span: u32,
  decay: f32, rest: f32,  // rest = 1 - decay
  momentum: f32,
  epsilon: f32,
  weight_decay: f32,
}
