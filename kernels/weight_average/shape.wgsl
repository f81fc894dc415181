// Shared by the weight_average kernels; appended after each of them, so that line numbers stay theirs.
struct Shape {
  count: u32, span: u32,
}
