// Shared by the sgd kernels; appended after each of them, so that line numbers stay theirs.
struct Shape {
  count: u32, span: u32,
  momentum: f32,
  nesterov: u32,
  weight_decay: f32,
}
