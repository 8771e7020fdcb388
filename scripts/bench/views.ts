/**
 * How long the operator's views take at a million accounts and ten million runs, or at as many as are named, on a Postgres
 * of its own, which is thrown away afterwards (about 8 GB for the full size).
 *
 *   node scripts/bootstrap.mjs scripts/bench/views.ts [accounts] [logs]
 */

import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pool } from "pg";
import { z } from "zod";
import { migrate } from "../../db/migrate.ts";
import { pgPool } from "../../db/pool.ts";
import { startPostgres } from "../postgres/embedded.ts";
import { exitWithSentence } from "../usage.ts";
import { fillDatabase } from "./fill_database.ts";
import { questions } from "./questions.ts";

async function main(): Promise<void> {
  const [accounts = 1_000_000, logs = 10_000_000] = process.argv.slice(2).map(Number);
  const folder = await mkdtemp(join(tmpdir(), "tidemark-bench-"));
  // Where we are root, Postgres runs as another user, who must be able to enter.
  await chmod(folder, 0o755);
  const postgres = await startPostgres({
    version: 18,
    dataDir: join(folder, "postgres"),
    // Filling is not what is measured.
    settings: { fsync: "off", wal_level: "minimal", max_wal_senders: "0", max_wal_size: "4GB", shared_buffers: "1GB" },
    onNote: () => undefined,
  });
  const owner = pgPool({ databaseUrl: postgres.url, role: "app_owner", max: 2, name: "tidemark bench" });
  try {
    await migrate({ databaseUrl: postgres.url });
    await fillDatabase(owner, { accounts, logs }, console.log);
    await counted(owner);
    await timed(owner);
    await pruned(owner);
  } finally {
    await owner.end();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const plan = z.tuple([z.object({ "Execution Time": z.number(), "Planning Time": z.number() })]);

/** Each question five times: the median, and the slowest. The first is not counted: it fills the caches. */
async function timed(owner: Pool): Promise<void> {
  console.log("\nquestion              median      max   (ms, planning included, the first of six left out)");
  for (const { name, sql } of await questions()) {
    const times: number[] = [];
    for (let n = 0; n < 6; n += 1) {
      const { rows } = await owner.query<{ "QUERY PLAN": unknown }>(
        `explain (analyze, timing off, format json) ${sql}`,
      );
      const [told] = plan.parse(rows[0]?.["QUERY PLAN"]);
      if (n > 0) times.push(told["Execution Time"] + told["Planning Time"]);
    }
    const sorted = times.toSorted((a, b) => a - b);
    console.log(
      `${name.padEnd(20)} ${(sorted[2] ?? NaN).toFixed(1).padStart(8)} ${(sorted[4] ?? NaN).toFixed(1).padStart(8)}`,
    );
  }
}

/** What keeps the counts costs: the runs of ten days, batch by batch as the task does it, and the accounts. */
async function counted(owner: Pool): Promise<void> {
  const started = performance.now();
  let folded = 0;
  for (let more = true; more;) {
    const { rows } = await owner.query<{ folded: number; more: boolean }>("select * from app_private.fold_runs()");
    folded += rows[0]?.folded ?? 0;
    more = rows[0]?.more === true;
  }
  console.log(`${folded} runs folded: ${((performance.now() - started) / 1000).toFixed(2)} s`);
  for (const [what, sql] of [
    ["nothing to fold", "select * from app_private.fold_runs()"],
    ["accounts counted", "select app_private.count_accounts()"],
    ["gaps found", "select app_private.find_coverage_gaps()"],
  ] as const) {
    const began = performance.now();
    await owner.query(sql);
    console.log(`${what}: ${((performance.now() - began) / 1000).toFixed(2)} s`);
  }
  for (const table of ["run_rollups", "run_durations"]) await owner.query(`vacuum (analyze) app_private.${table}`);
}

/** A night's pruning of a hundred thousand runs, in batches of 5,000. */
async function pruned(owner: Pool): Promise<void> {
  await owner.query(
    `update app_private.retention set keep = now() - (select sync_started_at from app_public.sync_logs order by id offset 100000 limit 1), at_least = '0'
     where subject = 'sync_logs'`,
  );
  const times: number[] = [];
  for (let full = true; full;) {
    const started = performance.now();
    const { rows } = await owner.query<{ pruned: number }>(
      "select pruned from app_private.prune(5000) where subject = 'sync_logs'",
    );
    times.push(performance.now() - started);
    full = rows[0]?.pruned === 5000;
  }
  const total = times.reduce((sum, time) => sum + time, 0);
  console.log(
    `\npruned 100,000 runs in ${times.length} batches: ${(total / 1000).toFixed(1)} s, the longest ${Math.max(...times).toFixed(0)} ms`,
  );
}

main().catch(exitWithSentence);
