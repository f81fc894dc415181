// y[i] = the sum of 8 * 128 values that lie in workgroup memory, neighbours read by neighbours
// One invocation computes one element.

const WG: u32 = 128u;

@group(0) @binding(0) var<storage, read> x: array<f32>;        // offset
@group(0) @binding(1) var<storage, read_write> y: array<Vec>;  // i

var<workgroup> tile: array<Vec, 1024>;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {
  for (var i = lane; i < 1024u; i += WG) { tile[i] = Vec(x[0] + f32(i)); }
  workgroupBarrier();
  var even = Vec();
  var odd = Vec();
  for (var i = lane; i < lane + 128u; i++) {
    even += tile[i]; odd += tile[i + 96u];
    even += tile[i + 192u]; odd += tile[i + 288u];
    even += tile[i + 384u]; odd += tile[i + 480u];
    even += tile[i + 576u]; odd += tile[i + 672u];
  }
  y[id.x] = even + odd;
}
