// average[i] -= (1 - decay) * (average[i] - w[i])

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read_write> average: array<f32>;  // i
@group(0) @binding(2) var<storage, read> w: array<f32>;              // i
@group(0) @binding(3) var<storage, read> decay: array<f32>;          // 1
@group(0) @binding(4) var<storage, read> factor: array<f32>;         // 1

var<private> gain: f32;

fn prepare() { gain = 1.0 - decay[0]; }

fn update(i: u32) {
  let old = average[i];
  average[i] = old - gain * (old - w[i]);
}
