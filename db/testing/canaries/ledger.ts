/**
 * What the test processes of one run tell the runner about canaries, as JSON lines in one file: what was searched, so that a
 * search that did not happen is seen, and what was found.
 */

import { appendFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";

const count = z.number().int().nonnegative();

const searched = z.object({
  /** Databases that were made for a test, and those that were searched before they were dropped. */
  databasesMade: count.default(0),
  databasesSearched: count.default(0),
  /** Transactions that were searched before they were rolled back. */
  transactionsSearched: count.default(0),
  rows: count.default(0),
  logLines: count.default(0),
  replies: count.default(0),
  /** What test processes printed, and what their child processes wrote, in characters. */
  printed: count.default(0),
  childOutput: count.default(0),
});
export type Searched = z.infer<typeof searched>;

const entry = z.union([z.object({ found: z.string() }), z.object({ searched })]);

/** Does nothing where no run listens. */
export function tellRun(told: { found: string } | { searched: Partial<Searched> }): void {
  const file = process.env["TEST_CANARIES_FILE"];
  // One short write to the end of the file: those of other processes do not come between.
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(told)}\n`);
}

export type CanaryReport = { searched: Searched; found: string[] };

/** All that was told to `file`, the searches added up. */
export async function readLedger(file: string): Promise<CanaryReport> {
  const text = await readFile(file, "utf8").catch(() => "");
  const total = searched.parse({});
  const found = new Set<string>();
  for (const line of text.split("\n").filter((written) => written !== "")) {
    const told = entry.parse(JSON.parse(line));
    if ("found" in told) found.add(told.found);
    else for (const name of searched.keyof().options) total[name] += told.searched[name];
  }
  return { searched: total, found: [...found] };
}

/** For people, in one line. */
export function describeSearch({ searched: of }: CanaryReport): string {
  const many = (amount: number, what: string): string => `${amount.toLocaleString("en")} ${what}`;
  return [
    many(of.rows, "rows"),
    many(of.databasesSearched, "databases"),
    many(of.transactionsSearched, "transactions"),
    many(of.logLines, "log lines"),
    many(of.replies, "replies"),
    many(of.printed + of.childOutput, "printed characters"),
  ].join(", ");
}

/**
 * What was not searched though it should have been, a sentence each.
 *
 * @param everything whether all quick tests ran: then there is something of each kind
 */
export function unsearched({ searched: of }: CanaryReport, everything: boolean): string[] {
  const missed = of.databasesMade - of.databasesSearched;
  return [
    ...(missed === 0 ? [] : [`${missed} of ${of.databasesMade} databases were dropped unsearched`]),
    ...Object.entries(of)
      .filter(([, amount]) => everything && amount === 0)
      .map(([what]) => `nothing was searched of what the search counts as ${what}`),
  ];
}
