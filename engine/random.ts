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

/** Random 32 bits, a function of its arguments alone: nothing to save and nothing that depends on who asked before. */
export function randomBits(seed: number, stream: number, counter: number): number {
  let bits = 0x7e55e7a;
  for (const word of [seed, stream, counter]) {
    bits = Math.imul(bits ^ word, 0x9e3779b1);
    bits = Math.imul(bits ^ (bits >>> 15), 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    bits ^= bits >>> 16;
  }
  return bits >>> 0;
}
