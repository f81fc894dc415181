// G = factor * g[i]
// mean[i] = beta1 * mean[i] + (1 - beta1) * G
// variance[i] = beta2 * variance[i] + (1 - beta2) * G * G
// w[i] -= rate * (mean[i] / correction[0] / (sqrt(variance[i] / correction[1]) + epsilon) + weight_decay * w[i])

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read_write> w: array<f32>;         // i
@group(0) @binding(2) var<storage, read> g: array<f32>;               // i
@group(0) @binding(3) var<storage, read_write> mean: array<f32>;      // i
@group(0) @binding(4) var<storage, read_write> variance: array<f32>;  // i
@group(0) @binding(5) var<storage, read> rate: array<f32>;            // 1
@group(0) @binding(6) var<storage, read> factor: array<f32>;          // 1
@group(0) @binding(7) var<storage, read> correction: array<f32>;      // 1 - beta1^t, 1 - beta2^t

var<private> learning_rate: f32;
var<private> clip: f32;
var<private> unbias: vec2f;

fn prepare() {
  learning_rate = rate[0];
  clip = factor[0];
  unbias = vec2f(correction[0], correction[1]);
}

fn update(i: u32) {
  let weight = w[i];
  let gradient = clip * g[i];
  let first = shape.beta1 * mean[i] + shape.rest1 * gradient;
  let second = shape.beta2 * variance[i] + shape.rest2 * gradient * gradient;
  let step = first / unbias.x / (sqrt(second / unbias.y) + shape.epsilon);
  mean[i] = first;
  variance[i] = second;
  w[i] = weight - learning_rate * (step + shape.weight_decay * weight);
}
