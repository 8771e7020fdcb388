/** A bench answers one question in numbers. */
export type Bench = {
  /** What it measures, in a sentence. */
  question: string;
  /** Names that stay, so that results can be compared over time; others are told by `say` only. */
  run(options: BenchOptions): Promise<Record<string, number>>;
};

export type BenchOptions = {
  /** Short: enough to see a regression, in well under a minute. */
  short: boolean;
  /** A line on the way to the result. */
  say: (line: string) => void;
};
