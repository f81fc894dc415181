// The paper's three networks for the peers, over a builder `b` that each engine supplies:
// b.conv(x, filters, [kh, kw], stride = 1, padding = 'same', { linear }): convolution, batch norm, relu; linear: convolution and bias
// b.maxPool(x): 3x3, stride 2, valid; b.avgPool(x): 3x3, stride 1, same; b.concat(list): along the channels
// b.residual(x, branch, scale): relu(x + scale * branch); b.head(x, classes): global average, fully connected
const V = "valid";
const seq = (b, x, ...cs) => cs.reduce((x, [f, k, s = 1, p = "same"]) => b.conv(x, f, k, s, p), x);
const par = (b, x, ...bs) => b.concat(bs.map((f) => f(x)));
const k1 = [1, 1],
  k3 = [3, 3],
  k17 = [1, 7],
  k71 = [7, 1],
  k13 = [1, 3],
  k31 = [3, 1];

function stemV4(b, x) {
  x = seq(b, x, [32, k3, 2, V], [32, k3, 1, V], [64, k3]);
  x = par(
    b,
    x,
    (x) => b.maxPool(x),
    (x) => seq(b, x, [96, k3, 2, V]),
  );
  x = par(
    b,
    x,
    (x) => seq(b, x, [64, k1], [96, k3, 1, V]),
    (x) => seq(b, x, [64, k1], [64, k71], [64, k17], [96, k3, 1, V]),
  );
  return par(
    b,
    x,
    (x) => seq(b, x, [192, k3, 2, V]),
    (x) => b.maxPool(x),
  );
}
const stemR1 = (b, x) =>
  seq(
    b,
    b.maxPool(seq(b, x, [32, k3, 2, V], [32, k3, 1, V], [64, k3])),
    [80, k1],
    [192, k3, 1, V],
    [256, k3, 2, V],
  );
const redA = (b, x, k, l, m, n) =>
  par(
    b,
    x,
    (x) => b.maxPool(x),
    (x) => seq(b, x, [n, k3, 2, V]),
    (x) => seq(b, x, [k, k1], [l, k3], [m, k3, 2, V]),
  );
const res = (b, x, c, s, ...bs) =>
  b.residual(x, b.conv(par(b, x, ...bs), c, k1, 1, "same", { linear: true }), s);

export function inceptionV4(b, x, classes = 1000) {
  x = stemV4(b, x);
  for (let i = 0; i < 4; i++)
    x = par(
      b,
      x,
      (x) => seq(b, b.avgPool(x), [96, k1]),
      (x) => seq(b, x, [96, k1]),
      (x) => seq(b, x, [64, k1], [96, k3]),
      (x) => seq(b, x, [64, k1], [96, k3], [96, k3]),
    );
  x = redA(b, x, 192, 224, 256, 384);
  for (let i = 0; i < 7; i++)
    x = par(
      b,
      x,
      (x) => seq(b, b.avgPool(x), [128, k1]),
      (x) => seq(b, x, [384, k1]),
      (x) => seq(b, x, [192, k1], [224, k17], [256, k71]),
      (x) => seq(b, x, [192, k1], [192, k17], [224, k71], [224, k17], [256, k71]),
    );
  x = par(
    b,
    x,
    (x) => b.maxPool(x),
    (x) => seq(b, x, [192, k1], [192, k3, 2, V]),
    (x) => seq(b, x, [256, k1], [256, k17], [320, k71], [320, k3, 2, V]),
  );
  for (let i = 0; i < 3; i++)
    x = par(
      b,
      x,
      (x) => seq(b, b.avgPool(x), [256, k1]),
      (x) => seq(b, x, [256, k1]),
      (x) => {
        const y = seq(b, x, [384, k1]);
        return par(
          b,
          y,
          (y) => seq(b, y, [256, k13]),
          (y) => seq(b, y, [256, k31]),
        );
      },
      (x) => {
        const y = seq(b, x, [384, k1], [448, k13], [512, k31]);
        return par(
          b,
          y,
          (y) => seq(b, y, [256, k31]),
          (y) => seq(b, y, [256, k13]),
        );
      },
    );
  return b.head(x, classes);
}
export function inceptionResNetV1(b, x, classes = 1000) {
  x = stemR1(b, x);
  for (let i = 0; i < 5; i++)
    x = res(
      b,
      x,
      256,
      0.17,
      (x) => seq(b, x, [32, k1]),
      (x) => seq(b, x, [32, k1], [32, k3]),
      (x) => seq(b, x, [32, k1], [32, k3], [32, k3]),
    );
  x = redA(b, x, 192, 192, 256, 384);
  for (let i = 0; i < 10; i++)
    x = res(
      b,
      x,
      896,
      0.1,
      (x) => seq(b, x, [128, k1]),
      (x) => seq(b, x, [128, k1], [128, k17], [128, k71]),
    );
  x = par(
    b,
    x,
    (x) => b.maxPool(x),
    (x) => seq(b, x, [256, k1], [384, k3, 2, V]),
    (x) => seq(b, x, [256, k1], [256, k3, 2, V]),
    (x) => seq(b, x, [256, k1], [256, k3], [256, k3, 2, V]),
  );
  for (let i = 0; i < 5; i++)
    x = res(
      b,
      x,
      1792,
      0.2,
      (x) => seq(b, x, [192, k1]),
      (x) => seq(b, x, [192, k1], [192, k13], [192, k31]),
    );
  return b.head(x, classes);
}
export function inceptionResNetV2(b, x, classes = 1000) {
  x = stemV4(b, x);
  for (let i = 0; i < 5; i++)
    x = res(
      b,
      x,
      384,
      0.17,
      (x) => seq(b, x, [32, k1]),
      (x) => seq(b, x, [32, k1], [32, k3]),
      (x) => seq(b, x, [32, k1], [48, k3], [64, k3]),
    );
  x = redA(b, x, 256, 256, 384, 384);
  for (let i = 0; i < 10; i++)
    x = res(
      b,
      x,
      1152,
      0.1,
      (x) => seq(b, x, [192, k1]),
      (x) => seq(b, x, [128, k1], [160, k17], [192, k71]),
    );
  x = par(
    b,
    x,
    (x) => b.maxPool(x),
    (x) => seq(b, x, [256, k1], [384, k3, 2, V]),
    (x) => seq(b, x, [256, k1], [288, k3, 2, V]),
    (x) => seq(b, x, [256, k1], [288, k3], [320, k3, 2, V]),
  );
  for (let i = 0; i < 5; i++)
    x = res(
      b,
      x,
      2144,
      0.2,
      (x) => seq(b, x, [192, k1]),
      (x) => seq(b, x, [192, k1], [224, k13], [256, k31]),
    );
  return b.head(x, classes);
}
export const nets = {
  "inception-v4": inceptionV4,
  "inception-resnet-v1": inceptionResNetV1,
  "inception-resnet-v2": inceptionResNetV2,
};

/** Trainable values, and multiply-adds of convolutions and the fully connected layer for one image: shapes [h, w, c] go through. */
export function count(name, image, classes) {
  const total = { parameters: 0, macs: 0 };
  const side = (x, k, s, p) => (p === V ? Math.floor((x - k) / s) + 1 : Math.ceil(x / s));
  nets[name](
    {
      conv([h, w, c], f, [kh, kw], s = 1, p = "same") {
        const y = [side(h, kh, s, p), side(w, kw, s, p), f];
        total.parameters += kh * kw * c * f + f;
        total.macs += y[0] * y[1] * f * kh * kw * c;
        return y;
      },
      maxPool: ([h, w, c]) => [side(h, 3, 2, V), side(w, 3, 2, V), c],
      avgPool: (x) => x,
      concat: (list) => [list[0][0], list[0][1], list.reduce((sum, [, , c]) => sum + c, 0)],
      residual: (x) => x,
      head([, , c]) {
        total.parameters += (c + 1) * classes;
        total.macs += c * classes;
      },
    },
    [image, image, 3],
    classes,
  );
  return total;
}
