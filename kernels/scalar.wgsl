// What a kernel loads and stores at once: one element. Appended after the kernel; vec4.wgsl takes its place for four.
alias Vec = f32;
alias VecI = i32;
const WIDTH: u32 = 1u;
