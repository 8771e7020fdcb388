/**
 * The rows of a Markdown table, its head left out, for tests that hold a document to the code. Code marks are taken off.
 * Throws when there is not exactly one table whose first column has this heading.
 */
export function markdownTable(text: string, firstHeading: string): string[][] {
  const tables = [...text.matchAll(/(?:^\|.*\|\n)+/gm)].map(([table]) => table.trimEnd().split("\n").map(cellsOf));
  const found = tables.filter(([head]) => head?.[0] === firstHeading);
  const [table] = found;
  if (table === undefined || found.length > 1) throw new Error(`${found.length} tables begin with "${firstHeading}"`);
  // The second line only draws the rule under the head.
  return table.slice(2);
}

const cellsOf = (line: string): string[] =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll("`", ""));
