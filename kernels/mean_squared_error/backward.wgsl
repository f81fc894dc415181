// dx[i,c] = scale * (x[i,c] - wanted[i,c]) * dloss[0], with scale = 2 / elements, less than 0 for the gradient of wanted

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // pixel c
@group(0) @binding(2) var<storage, read> wanted: array<f32>;    // pixel c, the target
@group(0) @binding(3) var<storage, read> dloss: array<f32>;     // 1
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  let goal = wanted[shape.wanted_offset + at.x * shape.wanted_stride + at.y];
  let d = x[shape.x_offset + at.x * shape.x_stride + at.y] - goal;
  let to = shape.dx_offset + at.x * shape.dx_stride + at.y;
  var sum = shape.scale * d * dloss[0];
  if (shape.accumulate != 0u) { sum += dx[to]; }
  dx[to] = sum;
}
