// Shared by all kernels that update a bank of parameters in place; appended after each of them, as is scalar.wgsl or
// vec4.wgsl. A workgroup updates `span` neighbours in vectors of WIDTH parameters, WG vectors at a time; `prepare()`
// reads what is the same for all, `update(i)` updates vector i. A factor below 0 says that nothing is to change.

const WG: u32 = 64u;        // @tune 16 64 256
const GROUPS: u32 = 4096u;  // @tune 16 64 1024 4096

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  if (factor[0] < 0.0) { return; }
  prepare();
  let end = min((group.x + 1u) * shape.span, shape.count / WIDTH);
  for (var i = group.x * shape.span + lane; i < end; i += WG) { update(i); }
}
