import { Net } from "../../engine/nn/net.ts";
import { publicNames, shapeIn } from "../../models/checkpoints.ts";
import { census, getEntry, getModel, listEntries, netOptions } from "../../models/index.ts";
import { formatTable, number, text } from "../command_line/table.ts";

export interface ModelsOptions {
  readonly json?: boolean;
  readonly variant?: string;
  readonly image: number;
  readonly classes: number;
}

const grouped = (n: number) => n.toLocaleString("en-US");

/** Prints what the networks cost, or the tensors of one. */
export function models(name: string | undefined, options: ModelsOptions): void {
  if (name === undefined) networks(options);
  else tensors(name, options);
}

function networks(options: ModelsOptions): void {
  const rows = listEntries().map((entry) => {
    const counted = census(
      getModel(entry.name, { variant: entry.variant, classes: options.classes }),
      options.image,
    );
    return {
      name: entry.name,
      variant: entry.variant,
      image: options.image,
      classes: options.classes,
      ...counted,
    };
  });
  if (options.json) {
    const plain = rows.map((row) => ({ ...row, blocks: Object.fromEntries(row.blocks) }));
    console.log(JSON.stringify(plain, null, 2));
    return;
  }
  const columns = [
    ...["network", "variant"].map(text),
    ...["parameters", "without gamma", "convs", "MACs forward", "activations"].map(number),
  ];
  const cells = rows.map((row) => [
    row.name,
    row.variant,
    grouped(row.parameters),
    grouped(row.parametersWithoutGamma),
    row.convolutions,
    grouped(row.macs),
    grouped(row.activations),
  ]);
  console.log(formatTable(columns, cells));
  console.log(
    `One image of ${options.image}x${options.image}, ${options.classes} classes. MACs and activations: convolutions and fully connected layers.`,
  );
}

/** Prints path, shape and public name of every variable of a network. */
function tensors(name: string, { variant, classes, image, json }: ModelsOptions): void {
  const entry = getEntry(name, variant);
  const net = new Net(netOptions(name, { variant, batchNorm: { scale: true } }));
  getModel(name, { variant, classes })(net, net.input("images", [1, image, image, 3]));
  const names = publicNames(entry.name, entry.variant, [...net.variables.keys()]);
  const rows = [...net.variables.values()].map(({ path, shape, trainable }) => {
    const public_ = { name: names.get(path)!, shape: shapeIn("OIHW", shape) };
    return { path, shape, trainable, public: public_ };
  });
  if (json) console.log(JSON.stringify(rows, null, 2));
  else
    for (const row of rows)
      console.log(`${row.path} [${row.shape}]  ${row.public.name} [${row.public.shape}]`);
}
