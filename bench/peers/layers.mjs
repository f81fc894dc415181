// Six convolutions of Inception-v4 at 299x299, one of each kind: all of stride 1 with "same" padding but one.
const layer = (side, from, to, window, stride = 1) => {
  const padding = window.map((k) => (stride === 1 ? k >> 1 : 0));
  const out = window.map((k, i) => Math.floor((side + 2 * padding[i] - k) / stride) + 1);
  const name = `${side}x${side}x${from} ${window.join("x")}${stride > 1 ? `/${stride}` : ""} ${to}`;
  return { name, side, from, to, window, stride, padding, out };
};

export const layers = [
  layer(147, 32, 64, [3, 3]),
  layer(71, 192, 192, [3, 3], 2),
  layer(35, 384, 96, [1, 1]),
  layer(35, 64, 96, [3, 3]),
  layer(17, 192, 224, [1, 7]),
  layer(8, 1536, 256, [1, 1]),
];

/** Forward, gradient in the input, gradient in the weights: the same number of multiply-adds each. */
export const routines = ["forward", "dx", "dw"];

export const layerFlops = ({ out, window, from, to }, batch) =>
  2 * batch * out[0] * out[1] * to * window[0] * window[1] * from;
