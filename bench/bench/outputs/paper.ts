// What the paper says of the networks' cost, held against what was measured (arXiv 1602.07261, section 3.2).

import { census, getModel, netOptions } from "../../../models/index.ts";
import type { NetworkRow, Result } from "../../measure/result.ts";
import { dispatches, giga, percent, stepFlops, three } from "./summary.ts";

/** Multiply-adds of Inception-v3 for one image of 299x299, which is not among the networks: timm's figure less its batch norms. */
const INCEPTION_V3 = { image: 299, macs: 5.713e9 };

const V4 = "inception-v4";
const V1 = "inception-resnet-v1";
const V2 = "inception-resnet-v2";

/** One sentence for each of the paper's claims that the rows can speak to. */
export function paperText({ networks }: Result): string[] {
  const rows = networks.filter(({ variant, mode }) => variant === "paper" && mode === "train");
  const find = (name: string) => rows.find(({ network }) => network === name);
  const [v4, v1, v2] = [V4, V1, V2].map(find);
  const comparable = v4 && v2 && v4.image === v2.image && v4.batch === v2.batch;
  return [
    ...(v1?.image === INCEPTION_V3.image ? [resnet1(v1)] : []),
    ...(comparable ? [resnet2(v2, v4), slower(v4, v2)] : []),
  ];
}

const resnet1 = ({ macs }: NetworkRow): string =>
  `Inception-ResNet-v1 at the cost of Inception-v3: ${giga(macs)} GMACs an image against ${giga(INCEPTION_V3.macs)} (${signed(macs / INCEPTION_V3.macs)}).`;

const resnet2 = (v2: NetworkRow, v4: NetworkRow): string =>
  `Inception-ResNet-v2 at the cost of Inception-v4: ${giga(v2.macs)} GMACs an image against ${giga(v4.macs)} (${signed(v2.macs / v4.macs)}), a step ${signed(v2.wall.median / v4.wall.median)}.`;

/** Whether a step of Inception-v4 is slower than one of Inception-ResNet-v2, and what makes the difference. */
function slower(v4: NetworkRow, v2: NetworkRow): string {
  const claim = `"The step time of Inception-v4 proved to be significantly slower in practice, probably due to the larger number of layers"`;
  const times = v4.wall.median / v2.wall.median;
  const unsure = v4.wall.uncertainty + v2.wall.uncertainty;
  const valid = v4.validity.valid && v2.validity.valid;
  if (!valid) return `${claim}: nothing is said of it, as not all rows are valid.`;
  const [flops, rate] = [v4, v2].map((row) => stepFlops(row) / row.wall.median);
  const work = stepFlops(v4) / stepFlops(v2);
  const layers = [v4, v2].map(convolutions);
  const figures = `it does ${three(work)} times the FLOPs at ${three(flops / rate)} times the FLOP/s, in ${dispatches(v4)} launches against ${dispatches(v2)}, with ${layers[0]} convolutions against ${layers[1]}`;
  if (Math.abs(times - 1) <= unsure)
    return `${claim}: not decided here: its step takes ${three(times)} times Inception-ResNet-v2's, known to ${percent(unsure)}; ${figures}.`;
  if (times < 1)
    return `${claim}: not so here: its step takes ${three(times)} times Inception-ResNet-v2's; ${figures}.`;
  const byWork = Math.log(work) / Math.log(times);
  const reason =
    byWork > 0.5
      ? `its FLOPs make ${byWork >= 1 ? "all" : percent(byWork)} of that, not the number of its layers`
      : `its slower FLOP/s make ${percent(Math.min(1, 1 - byWork))} of that`;
  return `${claim}: so it is here: its step takes ${three(times)} times Inception-ResNet-v2's; ${figures}: ${reason}.`;
}

const convolutions = ({ network, variant, image }: NetworkRow): number =>
  census(getModel(network, { variant }), image, netOptions(network, { variant })).convolutions;

const signed = (ratio: number): string => `${ratio >= 1 ? "+" : "-"}${percent(Math.abs(ratio - 1))}`;
