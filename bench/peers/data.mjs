// What every engine is fed: the same settings, and values that each draws alike.
export const CLASSES = 1000;
/** RMSProp as in arXiv 1602.07261, section 4, with TensorFlow's momentum. */
export const RMSPROP = { rate: 0.0001, decay: 0.9, momentum: 0.9, epsilon: 1 };
export const BATCH_NORM_EPSILON = 1e-3;

/** Values in [-1, 1] that look like noise; those of a network's images and of single layers. */
export const noise = (count, scale = 1) =>
  Float32Array.from({ length: count }, (_, i) => scale * Math.sin(i * i));
export const labels = (batch) => Int32Array.from({ length: batch }, (_, i) => (i * 7) % CLASSES);
