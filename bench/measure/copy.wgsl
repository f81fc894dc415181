// y[i] = x[i]
// A workgroup copies an even share of neighbours, WG vectors at a time.

const WG: u32 = 64u;

@group(0) @binding(0) var<storage, read> x: array<Vec>;        // i
@group(0) @binding(1) var<storage, read_write> y: array<Vec>;  // i

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let span = arrayLength(&x) / groups.x;
  let first = group.x * span;
  for (var i = first + lane; i < first + span; i += WG) { y[i] = x[i]; }
}
