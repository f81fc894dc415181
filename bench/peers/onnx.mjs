// Writes ONNX models (onnx.proto, IR 8, operator set 13): just the fields that a convolutional network needs.
const VARINT = 0;
const BYTES = 2;
const FLOAT = 1;
const ATTRIBUTE = { int: 2, ints: 7 };

function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}
const tag = (field, wire) => varint(field * 8 + wire);
const int = (field, value) => Buffer.concat([tag(field, VARINT), varint(value)]);
const bytes = (field, data) => Buffer.concat([tag(field, BYTES), varint(data.length), data]);
const text = (field, value) => bytes(field, Buffer.from(value));
const message = (field, ...parts) => bytes(field, Buffer.concat(parts));

function attribute(name, value) {
  if (Array.isArray(value))
    return message(5, text(1, name), ...value.map((i) => int(8, i)), int(20, ATTRIBUTE.ints));
  return message(5, text(1, name), int(3, value), int(20, ATTRIBUTE.int));
}

function port(field, name, shape) {
  const dims = shape.map((size) => message(1, int(1, size)));
  return message(field, text(1, name), message(2, message(1, int(1, FLOAT), message(2, ...dims))));
}

/** A graph from `x` of a given shape [n,c,h,w] to `y`; every method returns the name of what it makes. */
export class OnnxGraph {
  #parts = [];
  #made = 0;

  node(type, inputs, attributes = {}, output = `t${this.#made++}`) {
    const names = [...inputs.map((name) => text(1, name)), text(2, output), text(3, output), text(4, type)];
    this.#parts.push(
      message(1, ...names, ...Object.entries(attributes).map(([name, value]) => attribute(name, value))),
    );
    return output;
  }

  constant(shape, values) {
    const name = `c${this.#made++}`;
    const raw = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    this.#parts.push(
      message(5, ...shape.map((size) => int(1, size)), int(2, FLOAT), text(8, name), bytes(9, raw)),
    );
    return name;
  }

  /** The model as bytes, its result `y` being what `last` is called. */
  model(shape, last, result) {
    this.node("Identity", [last], {}, "y");
    const graph = message(7, ...this.#parts, text(2, "net"), port(11, "x", shape), port(12, "y", result));
    return Buffer.concat([int(1, 8), graph, message(8, text(1, ""), int(2, 13))]);
  }
}
