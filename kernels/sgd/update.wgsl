// G = factor * g[i] + weight_decay * w[i]
// momentum[i] = shape.momentum * momentum[i] + G
// w[i] -= rate * momentum[i], or rate * (G + shape.momentum * momentum[i]) of Nesterov's

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read_write> w: array<f32>;         // i
@group(0) @binding(2) var<storage, read> g: array<f32>;               // i
@group(0) @binding(3) var<storage, read_write> momentum: array<f32>;  // i
@group(0) @binding(4) var<storage, read> rate: array<f32>;            // 1
@group(0) @binding(5) var<storage, read> factor: array<f32>;          // 1

var<private> learning_rate: f32;
var<private> clip: f32;

fn prepare() {
  learning_rate = rate[0];
  clip = factor[0];
}

fn update(i: u32) {
  let weight = w[i];
  let gradient = clip * g[i] + shape.weight_decay * weight;
  let velocity = shape.momentum * momentum[i] + gradient;
  momentum[i] = velocity;
  w[i] = weight - learning_rate * select(velocity, gradient + shape.momentum * velocity, shape.nesterov != 0u);
}
