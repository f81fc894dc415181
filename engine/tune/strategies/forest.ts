/** Rows of features, one after another, and how many there are of each. */
export interface FeatureTable {
  readonly features: Float64Array;
  readonly width: number;
}

/** A tree in arrays: a node is a leaf where `feature` is -1; its children are at `left` and the next place. */
interface Tree {
  readonly feature: Int32Array;
  readonly threshold: Float64Array;
  readonly left: Int32Array;
  readonly value: Float64Array;
}

/**
 * Extremely randomised trees (Geurts, Ernst and Wehenkel, 2006): every node tries one threshold by chance for each
 * feature that varies and takes the one that leaves the least variance.
 */
export class Forest {
  readonly #trees: readonly Tree[];
  readonly #width: number;

  constructor({ features, width }: FeatureTable, targets: Float64Array, trees: number, random: () => number) {
    this.#width = width;
    this.#trees = Array.from({ length: trees }, () => grow(features, width, targets, random));
  }

  /** Mean over the trees for one row, and the standard deviation between them. */
  predict(features: Float64Array, row: number): { mean: number; deviation: number } {
    let sum = 0;
    let squares = 0;
    for (const { feature, threshold, left, value } of this.#trees) {
      let node = 0;
      while (feature[node] >= 0)
        node = left[node] + (features[row * this.#width + feature[node]] < threshold[node] ? 0 : 1);
      sum += value[node];
      squares += value[node] * value[node];
    }
    const mean = sum / this.#trees.length;
    return { mean, deviation: Math.sqrt(Math.max(0, squares / this.#trees.length - mean * mean)) };
  }
}

function grow(features: Float64Array, width: number, targets: Float64Array, random: () => number): Tree {
  const nodes = 2 * targets.length - 1; // at most: every cut leaves a row on each side
  const tree: Tree = {
    feature: new Int32Array(nodes).fill(-1),
    threshold: new Float64Array(nodes),
    left: new Int32Array(nodes),
    value: new Float64Array(nodes),
  };
  const rows = Uint32Array.from(targets.keys());
  let used = 1;
  const pending: [node: number, from: number, to: number][] = [[0, 0, rows.length]];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const [node, from, to] = next;
    let sum = 0;
    for (let i = from; i < to; i++) sum += targets[rows[i]];
    tree.value[node] = sum / (to - from);
    const cut = split(features, width, targets, rows, from, to, random);
    if (!cut) continue;
    const middle = part(features, width, rows, from, to, cut);
    [tree.feature[node], tree.threshold[node]] = [cut.feature, cut.threshold];
    tree.left[node] = used;
    used += 2;
    pending.push([tree.left[node], from, middle], [tree.left[node] + 1, middle, to]);
  }
  return tree;
}

interface Cut {
  readonly feature: number;
  readonly threshold: number;
}

/** The best of one random threshold for each feature; undefined where targets or features are all the same. */
function split(
  features: Float64Array,
  width: number,
  targets: Float64Array,
  rows: Uint32Array,
  from: number,
  to: number,
  random: () => number,
): Cut | undefined {
  let best: Cut | undefined;
  let most = -Infinity;
  let flat = true;
  for (let i = from + 1; i < to && flat; i++) flat = targets[rows[i]] === targets[rows[from]];
  if (flat) return undefined;
  for (let feature = 0; feature < width; feature++) {
    let low = Infinity;
    let high = -Infinity;
    for (let i = from; i < to; i++) {
      const x = features[rows[i] * width + feature];
      if (x < low) low = x;
      if (x > high) high = x;
    }
    if (low === high) continue;
    const threshold = high - random() * (high - low); // above low, so that neither side is empty
    let [below, count, sum] = [0, 0, 0];
    for (let i = from; i < to; i++) {
      const y = targets[rows[i]];
      sum += y;
      if (features[rows[i] * width + feature] < threshold) {
        below += y;
        count++;
      }
    }
    const above = sum - below;
    const gain = (below * below) / count + (above * above) / (to - from - count);
    if (gain > most) {
      most = gain;
      best = { feature, threshold };
    }
  }
  return best;
}

/** Moves rows below the threshold to the front; returns where the others begin. */
function part(
  features: Float64Array,
  width: number,
  rows: Uint32Array,
  from: number,
  to: number,
  { feature, threshold }: Cut,
): number {
  let middle = from;
  for (let i = from; i < to; i++)
    if (features[rows[i] * width + feature] < threshold) {
      [rows[i], rows[middle]] = [rows[middle], rows[i]];
      middle++;
    }
  return middle;
}
