/** Most names that an error lists. */
const LISTED = 6;

/**
 * What an error says after a name that does not exist: `; did you mean conv2d?` where names are similar, or else those
 * there are, the first few of many.
 */
export function suggestion(word: string, names: Iterable<string>): string {
  const all = [...new Set(names)];
  const near = all
    .map((name) => ({ name, distance: distance(word.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, distance: of }) => of <= 0.4 * Math.max(word.length, name.length))
    .sort((a, b) => a.distance - b.distance)
    .filter(({ distance: of }, _, [best]) => of <= best.distance + 1)
    .map(({ name }) => name);
  const containing = word.length >= 3 ? all.filter((name) => name.includes(word)) : [];
  const similar = near.length > 0 ? near : containing;
  if (similar.length > 0) return `; did you mean ${listed(similar, "or", 3)}?`;
  if (all.length === 0) return " (there are none)";
  return all.length <= LISTED
    ? ` (there is ${listed(all, "and", LISTED)})`
    : ` (there is ${all.slice(0, LISTED).join(", ")} and ${all.length - LISTED} more)`;
}

const listed = (names: readonly string[], word: string, most: number): string => {
  const shown = names.slice(0, most);
  return shown.length < 2
    ? shown.join()
    : `${shown.slice(0, -1).join(", ")} ${word} ${shown[shown.length - 1]}`;
};

/** Letters to insert, drop, replace, or exchange with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1][j - 1] + Number(a[i - 1] !== b[j - 1]);
      const exchanged =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? rows[i - 2][j - 2] + 1 : Infinity;
      rows[i].push(Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, replaced, exchanged));
    }
  }
  return rows[a.length][b.length];
}
