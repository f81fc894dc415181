/**
 * Uniform in [0, 1): a stream of its own for every seed and path, the same each time. The state is a Weyl sequence, each
 * value of it scrambled (SplitMix; Steele, Lea and Flood 2014).
 */
export function stream(seed: number, path = ""): () => number {
  let state = seed >>> 0;
  for (let i = 0; i < path.length; i++) state = scramble(state ^ path.charCodeAt(i));
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    return scramble(state) / 2 ** 32;
  };
}

/** A bijection of 32 bits without visible order: xor-shifts and odd multipliers. */
function scramble(x: number): number {
  let z = x >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}
