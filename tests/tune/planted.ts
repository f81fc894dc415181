import type { KernelDescription } from "../../engine/tune/kernel/kernel.ts";

const N = 1 << 17;
const x = Float32Array.from({ length: N }, (_, i) => Math.fround(1 + ((i * 37) % 101) / 101));

/** What a setting of FAULT makes of a kernel that doubles. */
export const FAULTS = {
  none: 0,
  wrong: 1,
  racing: 2,
  outside: 3,
  endless: 4,
  compile: 5,
  unread: 6,
} as const;

/** Doubles `x`, and does so wrongly where FAULT says. */
export const planted: KernelDescription = {
  label: "planted",
  wgsl: `// y[i] = 2 x[i]
const FAULT: u32 = 0u;
const WG: u32 = 64u;
const PAD: u32 = 1u;
const N = ${N}u;
const_assert FAULT != 5u;

struct Quad { v: vec4f }
var<workgroup> pad: array<Quad, PAD>;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {
  if (lane == 0) { pad[0].v = vec4f(x[id.x % N]); }
  var i = id.x;
  var value = 2 * x[i % N];
  if (FAULT == 1u && i == 777u) { value = 3 * x[i]; }
  if (FAULT == 2u) {  // two workgroups that are far apart write every element, differing by less than is allowed
    if (i >= N) { i = 2 * N - 1 - i; }
    for (var k = 0u; k < 500u; k++) { value = fma(value, 0.5, x[i]); }  // long enough for threads to meet
    if (id.x >= N) { value *= 1.000001; }
  }
  if (FAULT == 3u && i == 0u) { y[N + 5u] = 1; }
  if (FAULT == 4u) { var k = 0u; while (x[k % N] > 0.0) { y[i % N] = f32(k); k++; } }
  if (FAULT == 6u && i == 5u) { value = y[5]; }
  if (i < N) { y[i] = value; }
}
`,
  buffers: { x, y: { type: "f32", length: N } },
  runs: 4,
  grid: [(2 * N) / 64, 1, 1],
  answer: { y: x.map((v) => 2 * v) },
  flops: N,
};
