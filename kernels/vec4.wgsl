// What a kernel loads and stores at once: four neighbouring elements. Appended after the kernel in place of scalar.wgsl.
alias Vec = vec4f;
alias VecI = vec4i;
const WIDTH: u32 = 4u;
