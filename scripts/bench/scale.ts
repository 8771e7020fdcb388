import type { Bench } from "./bench.ts";
import { linkAccounts, linkBystanders, makeAllDue, syncAllDue } from "./bench_accounts.ts";
import { onStage, type BenchStage } from "./bench_stage.ts";
import { median, rounded } from "./numbers.ts";
import { memoryOf } from "./process_cpu.ts";

const LATENCY_MS = 100;
const CONCURRENCY = 8;
const MANY = [1, 2, 4] as const;

/** Days of history whose windows share the rows. */
const HISTORY_DAYS = 365;
const WINDOWS = Math.ceil((HISTORY_DAYS + 1) / 31);

export const scale: Bench = {
  question: "How does throughput grow with worker processes, and a worker's memory with an account's history?",
  async run({ short, say }) {
    const { speedup_2, speedup_4 } = await onStage((stage) => speedups(stage, short, say));
    const accounts = short ? 10 : 1_000;
    const one = await onStage((stage) => memoryAfter(stage, 1, 1_000));
    const many = await onStage((stage) => memoryAfter(stage, accounts, 1_000));
    const long = await onStage((stage) => memoryAfter(stage, 1, 1_000 * accounts));
    say(
      `most memory of a worker: ${rounded(one.most / 2 ** 20)} MB after one account of 1,000 transactions, ` +
        `${rounded(many.most / 2 ** 20)} MB after ${accounts} of them (${rounded(many.rows / many.seconds)} rows a second), ` +
        `${rounded(long.most / 2 ** 20)} MB after one account of ${long.rows} (${rounded(long.rows / long.seconds)} rows a second)`,
    );
    return { speedup_2, speedup_4, memory_ratio: long.most / many.most };
  },
};

/** Syncs a second with 1, 2 and 4 processes at a provider that takes 100 ms, in turn. */
async function speedups(
  { database, provider, startWorkers }: BenchStage,
  short: boolean,
  say: (line: string) => void,
): Promise<{ speedup_2: number; speedup_4: number }> {
  await provider.answerWith({ pageSize: 100, rowsPerWindow: 5 }, LATENCY_MS);
  await linkAccounts(database, short ? 300 : 2_000, 3);
  const measured = new Map<number, number[]>(MANY.map((many) => [many, []]));
  for (let round = 0; round < (short ? 1 : 3); round += 1) {
    for (const many of MANY) {
      const workers = await startWorkers({ many, concurrency: CONCURRENCY });
      await makeAllDue(database);
      const { syncs, seconds } = await syncAllDue(database);
      measured.get(many)?.push(syncs / seconds);
      await workers.stop();
    }
  }
  const [one = NaN, two = NaN, four = NaN] = MANY.map((many) => median(measured.get(many) ?? []));
  say(
    `syncs a second at ${LATENCY_MS} ms: ${rounded(one)} with 1 process, ${rounded(two)} with 2, ${rounded(four)} with 4`,
  );
  return { speedup_2: two / one, speedup_4: four / one };
}

/**
 * The most memory that a worker ever held, when it has brought so many accounts with so many transactions each up to date. One
 * large account is compared with as many transactions of small ones: how much garbage Node lets lie grows with the work done.
 */
async function memoryAfter(
  { database, provider, startWorkers }: BenchStage,
  accounts: number,
  rowsEach: number,
): Promise<{ most: number; rows: number; seconds: number }> {
  const rowsPerWindow = Math.ceil(rowsEach / WINDOWS);
  await provider.answerWith({ pageSize: 100, rowsPerWindow });
  await linkBystanders(database);
  await linkAccounts(database, accounts, HISTORY_DAYS, `${rowsEach} rows`);
  const workers = await startWorkers({ many: 1, concurrency: CONCURRENCY });
  const { seconds } = await syncAllDue(database);
  const { most } = await memoryOf(workers.processIds[0] ?? 0);
  return { most, rows: accounts * rowsPerWindow * WINDOWS, seconds };
}
