// partials = sums of (x - wanted)^2, each over some elements

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;               // pixel c
@group(0) @binding(2) var<storage, read> wanted: array<f32>;          // pixel c, the target
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;  // k

fn term(at: vec2u) -> f32 {
  let goal = wanted[shape.wanted_offset + at.x * shape.wanted_stride + at.y];
  let d = x[shape.x_offset + at.x * shape.x_stride + at.y] - goal;
  return d * d;
}
