// G = factor * g[i] + weight_decay * w[i]
// mean_square[i] = decay * mean_square[i] + (1 - decay) * G * G
// momentum[i] = shape.momentum * momentum[i] + rate * G / sqrt(mean_square[i] + epsilon)
// w[i] -= momentum[i]
// A workgroup updates `span` neighbours in vectors of WIDTH parameters, WG vectors at a time.

const WG: u32 = 64u;        // @tune 16 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read_write> w: array<Vec>;            // i
@group(0) @binding(2) var<storage, read> g: array<Vec>;                  // i
@group(0) @binding(3) var<storage, read_write> mean_square: array<Vec>;  // i
@group(0) @binding(4) var<storage, read_write> momentum: array<Vec>;     // i
@group(0) @binding(5) var<storage, read> rate: array<f32>;               // 1
@group(0) @binding(6) var<storage, read> factor: array<f32>;             // 1

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let learning_rate = rate[0];
  let clip = factor[0];
  if (clip < 0.0) { return; }
  let end = min((group.x + 1u) * shape.span, shape.count / WIDTH);
  for (var i = group.x * shape.span + lane; i < end; i += WG) {
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
}
