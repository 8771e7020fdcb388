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
  /** The most accounts that dispatch fills its database with; left out: 1 million, or 50,000 in the short form. */
  accounts?: number | undefined;
  /** Also what took Postgres's time, where the bench can tell. */
  profile: boolean;
  /** A line on the way to the result. */
  say: (line: string) => void;
};
