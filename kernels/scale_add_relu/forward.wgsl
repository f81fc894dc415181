// y[i,c] = max(x[i,c] + scale * r[i,c], 0), or the sum itself where there is no relu

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> x: array<f32>;        // pixel c
@group(0) @binding(2) var<storage, read> r: array<f32>;        // pixel c
@group(0) @binding(3) var<storage, read_write> y: array<f32>;  // pixel c

fn element(at: vec2u, i: u32) {
  let residual = r[shape.r_offset + at.x * shape.r_stride + at.y];
  let sum = fma(shape.scale, residual, x[shape.x_offset + at.x * shape.x_stride + at.y]);
  y[shape.y_offset + at.x * shape.y_stride + at.y] = activation(sum);
}
