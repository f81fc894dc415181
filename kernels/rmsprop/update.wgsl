// G = factor * g[i] + weight_decay * w[i]
// mean_square[i] = decay * mean_square[i] + (1 - decay) * G * G
// momentum[i] = shape.momentum * momentum[i] + rate * G / sqrt(mean_square[i] + epsilon)
// w[i] -= momentum[i]

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read_write> w: array<Vec>;            // i
@group(0) @binding(2) var<storage, read> g: array<Vec>;                  // i
@group(0) @binding(3) var<storage, read_write> mean_square: array<Vec>;  // i
@group(0) @binding(4) var<storage, read_write> momentum: array<Vec>;     // i
@group(0) @binding(5) var<storage, read> rate: array<f32>;               // 1
@group(0) @binding(6) var<storage, read> factor: array<f32>;             // 1

var<private> learning_rate: f32;
var<private> clip: f32;

fn prepare() {
  learning_rate = rate[0];
  clip = factor[0];
}

fn update(i: u32) {
  let weight = w[i];
  let gradient = clip * g[i] + shape.weight_decay * weight;
  let square = shape.decay * mean_square[i] + shape.rest * gradient * gradient;
  // the root first: it keeps the gradient within 1 / sqrt(1 - decay), where rate * gradient might leave float32
  let scaled = gradient * inverseSqrt(square + Vec(shape.epsilon));
  let step = shape.momentum * momentum[i] + learning_rate * scaled;
  mean_square[i] = square;
  momentum[i] = step;
  w[i] = weight - step;
}
