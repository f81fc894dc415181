// Mutants that survive the cases, of any kernel that convolves.

import { explain } from "../explanation.ts";

export const survivors = explain(
  "equivalent",
  [
    /^conv2d\w*\/.*_broadcast$/,
    /: let (col|mine)_\d+ = min\(/,
    "a lane beyond the result only keeps inside the operand; what it computes is never stored",
  ],
  [
    /^conv2d\w*\/.*_broadcast$/,
    /^(constant|select always the second): let from_\d+ = .*inside_/,
    "where the tap is outside the image, 0 is taken whatever is read",
  ],
  [
    /^conv2d\w*\/.*_broadcast$/,
    /: if \((pixel|c) \+ 0u < \S+\) \{ -> /,
    "the first row of a tile is always inside the result: the grid has no empty tile",
  ],
  [
    /^conv2d\/backward_x_broadcast$/,
    /: if \(h0 >= shape\.h \|\| w0 >= shape\.wd\)/,
    "the phase then has no pixel, and the next guard returns",
  ],
  [
    /^conv2d\/backward_x_broadcast$/,
    /: if \(pixel >= pixels\) \{ return; \}/,
    "every row of the tile has a guard of its own; this one saves work",
  ],
  [/^conv2d\/backward_x_broadcast$/, /: let [pq]_\d+ = i32.* - phase_[hw]\)/, "the division drops the phase"],
  [
    /^conv2d\/backward_x$/,
    /^left operand dropped: if \((above|before) < 0 /,
    "as u32 a negative number is beyond the last window",
  ],
);
