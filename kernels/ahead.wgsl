// Shared by all kernels that go through the elements of a tensor; appended after each of them.

// (pixel, channel) of the element `step` pixels and channels after that of `at`.
fn ahead(at: vec2u, step: vec2u) -> vec2u {
  let next = at + step;
  return select(next, next + vec2u(1u, 0u - shape.channels), next.y >= shape.channels);
}
