/**
 * What a quiet run's verbs (begin_syncs, save_transactions, finish_syncs) cost Postgres in processor time, by how many runs share
 * a call: one session, five unchanged rows a page, four rounds of 480 runs after one that is not counted.
 *
 *   node scripts/bootstrap.mjs scripts/bench/verbs.ts [runs in a call]
 *
 * It brings its own Postgres. Linux only: it reads /proc, which counts in hundredths of a second.
 */

import { z } from "zod";
import { type SavedPage, saveTransactions } from "../../db/queries/pages.ts";
import { beginSyncs, finishSyncs } from "../../db/queries/runs.ts";
import { pgPool } from "../../db/pool.ts";
import { exitWithSentence, UsageError } from "../usage.ts";
import { linkAccounts, linkBystanders, nextDay, today } from "./bench_accounts.ts";
import { type BenchDatabase, openBenchDatabase } from "./bench_database.ts";
import { rounded } from "./numbers.ts";
import { cpuMilliseconds } from "./process_cpu.ts";

const ACCOUNTS = 480;
const ROUNDS = 4;

async function main(): Promise<void> {
  const perCall = Number(process.argv[2] ?? 16);
  if (!Number.isInteger(perCall) || perCall < 1 || perCall > 100)
    throw new UsageError("It takes how many runs share a call, a whole number from 1 to 100.");
  const database = await openBenchDatabase();
  try {
    await measure(database, perCall);
  } finally {
    await database.close();
  }
}

type Cost = { begin: number; save: number; finish: number };

async function measure(database: BenchDatabase, perCall: number): Promise<void> {
  const due = await linkDueAccounts(database);
  const session = pgPool({ databaseUrl: database.url, role: "app_worker", max: 1, name: "tidemark bench" });
  try {
    const processId = await backendOf(session);
    const rowsDay = await today(database.admin);
    const total: Cost = { begin: 0, save: 0, finish: 0 };
    for (let round = 0; round <= ROUNDS; round += 1) {
      const day = await nextDay(database);
      await database.admin.query("vacuum (analyze)");
      for (let first = 0; first < due.length; first += perCall) {
        const cost = await syncQuietly(session, processId, due.slice(first, first + perCall), rowsDay, day);
        if (round > 0) for (const verb of ["begin", "save", "finish"] as const) total[verb] += cost[verb];
      }
    }
    const each = (milliseconds: number): number => rounded(milliseconds / (ROUNDS * due.length));
    console.log(
      `${perCall} in a call: ${each(total.begin + total.save + total.finish)} ms of Postgres a run ` +
        `(begin ${each(total.begin)}, save ${each(total.save)}, finish ${each(total.finish)})`,
    );
  } finally {
    await session.end();
  }
}

const ids = z.array(z.object({ id: z.string() }));

async function linkDueAccounts(database: BenchDatabase): Promise<string[]> {
  await linkBystanders(database);
  await linkAccounts(database, ACCOUNTS, 3, "due");
  const { rows } = await database.admin.query(
    "select account_id as id from app_private.sync_states where next_sync_at < app_private.clock() + interval '1 month'",
  );
  return ids.parse(rows).map(({ id }) => id);
}

const backend = z.tuple([z.object({ id: z.number() })]);

async function backendOf(session: ReturnType<typeof pgPool>): Promise<number> {
  return backend.parse((await session.query("select pg_backend_pid() as id")).rows)[0].id;
}

/** One call of each verb for these accounts; milliseconds of Postgres's processor time. */
async function syncQuietly(
  session: ReturnType<typeof pgPool>,
  processId: number,
  accountIds: string[],
  rowsDay: string,
  day: string,
): Promise<Cost> {
  const timed = async <T>(work: () => Promise<T>): Promise<[answer: T, milliseconds: number]> => {
    const before = (await cpuMilliseconds([processId])) ?? NaN;
    const answer = await work();
    return [answer, ((await cpuMilliseconds([processId])) ?? NaN) - before];
  };
  const requests = accountIds.map((accountId) => ({ accountId, trigger: "schedule" }));
  const [begun, begin] = await timed(() => beginSyncs(session, "mono", "bench", requests));
  const asOf = `${day}T12:00:00Z`;
  const pages = begun.flatMap((run): SavedPage[] => {
    if (run.outcome !== "begun") throw new Error(`a run was not begun: ${run.outcome}`);
    const { accountId, runId, epoch, windows } = run.details;
    const window = windows[0] ?? { from: rowsDay, to: day };
    const rows = Array.from({ length: 5 }, (_, n) => row(rowsDay, n));
    const complete = { ids: rows.map(({ id }) => id), settles: true, asOf };
    return [{ accountId, runId, epoch, source: "mono", page: 1, from: window.from, to: window.to, rows, complete }];
  });
  const [, save] = await timed(() => saveTransactions(session, pages));
  const log = { pages: 1, seen: 5, unchanged: 5, refusals: {}, windows: [], requests: 1 };
  const runs = pages.map(({ accountId, runId, epoch }) => ({ accountId, runId, epoch, dataAsOf: asOf, log }));
  const [, finish] = await timed(() => finishSyncs(session, runs));
  return { begin, save, finish };
}

const row = (day: string, n: number): SavedPage["rows"][number] => ({
  id: `row ${n}`,
  status: "posted",
  direction: "debit",
  amount: `${100 + n}.10`,
  currency: "NGN",
  occurredAt: `${day}T10:00:00.000Z`,
  occurredOn: day,
  narration: `POS/WEB PURCHASE @ CHICKEN REPUBLIC LA NG ${n}`,
  category: null,
  balanceAfter: `${n}.00`,
  counterparty: null,
});

main().catch(exitWithSentence);
