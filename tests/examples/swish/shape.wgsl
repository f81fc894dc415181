// Shared by the swish kernels; appended after each of them, so that line numbers stay theirs.
struct Shape { count: u32, accumulate: u32 }
