// Shared by the clip_factor kernels; appended after each of them, so that line numbers stay theirs.
struct Shape {
  limit: f32, gate: u32,
}
