// Shared by kernels in which an invocation keeps to its channels; appended after each of them, as is scalar.wgsl or
// vec4.wgsl. A workgroup computes WG vectors of WIDTH channels of `span` neighbouring pixels, or all channels of several
// pixels at once where these are fewer; `prepare(c)` reads what vector c of channels needs, `element(pixel, c)` computes.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let width = min(shape.columns, WG);  // vectors that the workgroup covers at once
  let deep = WG / width;               // pixels that it covers at once
  let c = group.x * WG + lane % width;
  if (c >= shape.columns || lane >= deep * width) { return; }
  prepare(c);
  let first = group.y * shape.span;
  let end = min(first + shape.span, shape.extent);
  for (var pixel = first + lane / width; pixel < end; pixel += deep) { element(pixel, c); }
}
