// G = factor * g[i] + weight_decay * w[i]
// momentum[i] = shape.momentum * momentum[i] + G
// w[i] -= rate * momentum[i], or rate * (G + shape.momentum * momentum[i]) of Nesterov's
// A workgroup updates `span` neighbouring parameters, WG at a time.

const WG: u32 = 64u;        // @tune 16 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read_write> w: array<f32>;         // i
@group(0) @binding(2) var<storage, read> g: array<f32>;               // i
@group(0) @binding(3) var<storage, read_write> momentum: array<f32>;  // i
@group(0) @binding(4) var<storage, read> rate: array<f32>;            // 1
@group(0) @binding(5) var<storage, read> factor: array<f32>;          // 1

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let learning_rate = rate[0];
  let clip = factor[0];
  if (clip < 0.0) { return; }
  let end = min((group.x + 1u) * shape.span, shape.count);
  for (var i = group.x * shape.span + lane; i < end; i += WG) {
    let weight = w[i];
    let gradient = clip * g[i] + shape.weight_decay * weight;
    let velocity = shape.momentum * momentum[i] + gradient;
    momentum[i] = velocity;
    w[i] = weight - learning_rate * select(velocity, gradient + shape.momentum * velocity, shape.nesterov != 0u);
  }
}
