import type { Shape } from "./op.ts";

/** A window that slides over an image, as operations have it in their attributes. */
interface Sliding {
  readonly window: readonly [rows: number, columns: number];
  readonly stride: readonly [down: number, across: number];
  readonly padding: readonly [
    readonly [above: number, below: number],
    readonly [left: number, right: number],
  ];
}

/**
 * Calls `meet` for every pixel of images x [n,h,wd,...] that is in the window of a pixel of y [n,p,q,...], with the
 * numbers of both pixels and the position in the window, r*S + s. Padding meets nothing.
 */
export function eachTap(
  [n, h, wd]: Shape,
  [, p, q]: Shape,
  { window: [r, s], stride: [sh, sw], padding: [[top], [left]] }: Sliding,
  meet: (x: number, y: number, tap: number) => void,
): void {
  for (let image = 0; image < n; image++)
    for (let i = 0; i < p; i++)
      for (let j = 0; j < q; j++)
        for (let u = 0; u < r; u++)
          for (let v = 0; v < s; v++) {
            const [row, col] = [i * sh - top + u, j * sw - left + v];
            if (row < 0 || row >= h || col < 0 || col >= wd) continue;
            meet((image * h + row) * wd + col, (image * p + i) * q + j, u * s + v);
          }
}
