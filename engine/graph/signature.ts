import { type Kernel, type Runnable, routines, type Shapes } from "../../kernels/op.ts";
import { remember } from "../../kernels/remember.ts";
import { accumulates as canAccumulate, reflect, settings, specialise } from "../device/reflect.ts";

/** Shapes of an operation's tensors and of the gradient of each. */
export const withGradients = (shapes: Shapes): Shapes => ({
  ...shapes,
  ...Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [`d${name}`, shape])),
});

interface Signature {
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
  readonly accumulates: boolean;
  /** Whether it writes to an input. */
  readonly updates: boolean;
}

/** Tensor names a kernel binding stands for. */
export const bound = (kernel: Kernel<any>, binding: string): string => kernel.bind?.[binding] ?? binding;

const signatures = new Map<Runnable, Map<string, Signature>>();

/** What a routine reads and which gradients it writes, over all its algorithms. */
export const signature = (op: Runnable, routine: string): Signature =>
  remember(
    remember(signatures, op, () => new Map<string, Signature>()),
    routine,
    () => sign(op, routine),
  );

/** Names of the tensors that a routine reads: `forward`, `recompute` or a gradient. */
export const reads = (op: Runnable, routine: string): ReadonlySet<string> => signature(op, routine).reads;

/** Whether the operation, run forward, updates some of its inputs in place. */
export const updates = (op: Runnable): boolean => signature(op, "forward").updates;

/** Names over all algorithms of the routine, by reflection of their kernels. */
function sign(op: Runnable, routine: string): Signature {
  const reads = new Set<string>();
  const writes = new Set<string>();
  let [accumulates, updates] = [true, false];
  for (const kernel of routines(op)[routine].flatMap(({ kernels }) => kernels)) {
    const reflected = reflect(kernel.label, specialise(kernel, settings(kernel)));
    for (const [binding, { type }] of reflected.bindings) {
      const name = bound(kernel, binding);
      if (type === "read-only-storage") reads.add(name);
      const gradient = type === "storage" && op.inputs.includes(name.slice(1)) && name.startsWith("d");
      if (gradient) writes.add(name);
      if (type === "storage" && op.inputs.includes(name)) updates = true;
      if (gradient && !canAccumulate(reflected)) accumulates = false;
    }
  }
  return { reads, writes, accumulates, updates };
}
