// y[0] = y[0] + x[0]
// A dispatch of one invocation that needs what the one before it wrote: what it takes is latency.

@group(0) @binding(0) var<storage, read> x: array<f32>;        // step
@group(0) @binding(1) var<storage, read_write> y: array<f32>;  // sum

@compute @workgroup_size(1)
fn main() {
  y[0] += x[0];
}
