/** One line of an exposition. */
export type Sample = { name: string; labels: Record<string, string>; value: number };

/** The samples of what /metrics answered, in its order. */
export function readSamples(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    const [, name, labels = "", value] = /^([a-z_][\w:]*)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? [];
    if (name === undefined || value === undefined) return [];
    const told: Record<string, string> = {};
    for (const [, label = "", is = ""] of labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) told[label] = is;
    return [{ name, labels: told, value: Number(value) }];
  });
}
