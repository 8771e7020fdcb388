import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import { pgPool } from "../../db/pool.ts";
import type { Bench } from "./bench.ts";
import { openBenchDatabase, type BenchDatabase } from "./bench_database.ts";
import { fillDatabase } from "./fill_database.ts";
import { median, quantile, rounded } from "./numbers.ts";

const DUE = 1_000;
const SMALL = 10_000;
const LARGE = 1_000_000;

export const dispatch: Bench = {
  question: "What does a tick of the dispatcher cost with 1,000 due among few and among many accounts?",
  async run({ short, accounts: largest = short ? 50_000 : LARGE, say }) {
    const few = await measure(SMALL, { ticks: short ? 8 : 40, minutes: 0, say });
    const many = await measure(largest, { ticks: short ? 8 : 40, minutes: short ? 5 : 60, say });
    return {
      p50_ms: median(many.times),
      p99_ms: quantile(many.times, 0.99),
      buffers_ratio: median(many.buffers) / median(few.buffers),
    };
  },
};

type Ticks = { times: number[]; buffers: number[] };
type Measurement = { ticks: number; minutes: number; say: (line: string) => void };

async function measure(accounts: number, { ticks, minutes, say }: Measurement): Promise<Ticks> {
  // Filling is not what is measured.
  const database = await openBenchDatabase({ fsync: "off" });
  try {
    const owner = pgPool({ databaseUrl: database.url, role: "app_owner", max: 1, name: "tidemark bench" });
    try {
      await fillDatabase(owner, { accounts, logs: 1_000 });
    } finally {
      await owner.end();
    }
    await makeNoneDue(database);
    // One session, as a worker's runner has: its functions are planned once.
    const session = await database.worker.connect();
    const told: Ticks = { times: [], buffers: [] };
    try {
      for (let tick = -2; tick < ticks; tick += 1) {
        await makeDue(database, accounts);
        const { milliseconds, buffers } = await tickOnce(session);
        await finishAll(database);
        // The first two fill caches.
        if (tick < 0) continue;
        told.times.push(milliseconds);
        told.buffers.push(buffers);
      }
      say(
        `${DUE} due among ${accounts}: p50 ${rounded(median(told.times))} ms, p99 ${rounded(quantile(told.times, 0.99))} ms, ` +
          `${rounded(median(told.buffers) / DUE)} buffers a due row; ${await planOf(database.admin)}`,
      );
      if (minutes > 0) await steadily(database, session, { minutes, say });
    } finally {
      session.release();
    }
    return told;
  } finally {
    await database.close();
  }
}

/** The fleet is healthy: nothing is down, queued or late. */
async function makeNoneDue({ admin }: BenchDatabase): Promise<void> {
  await admin.query("delete from graphile_worker._private_jobs");
  await admin.query("delete from app_private.breakers");
  await admin.query("update app_private.sync_states set enqueued_until = null where enqueued_until < 'infinity'");
  await admin.query(
    "update app_private.sync_states set next_sync_at = next_sync_at + interval '1 day' where next_sync_at <= app_private.clock()",
  );
  await admin.query("vacuum (analyze) app_private.sync_states");
}

/** 1,000 bank accounts at random, as fillDatabase numbers them, due within the last minute. */
async function makeDue({ admin }: BenchDatabase, accounts: number): Promise<void> {
  await admin.query(
    `with chosen as (
       select md5('account ' || n)::uuid as id
       from (select distinct 1 + floor(random() * $1)::bigint as n from generate_series(1, $2::int * 3)) drawn
       where n % 5 <> 0 and n % 1000 <> 17 limit $2
     )
     update app_private.sync_states s
     set next_sync_at = app_private.clock() - interval '1 minute' * random(), enqueued_until = null
     from chosen where s.account_id = chosen.id and s.run_id is null`,
    [accounts, DUE],
  );
}

/** What its runs would leave behind: no job, no claim, and due tomorrow. */
async function finishAll({ admin }: BenchDatabase): Promise<void> {
  await admin.query(
    `with done as (
       delete from graphile_worker._private_jobs returning (payload ->> 'accountId')::uuid as id
     )
     update app_private.sync_states s
     set next_sync_at = app_private.clock() + interval '1 day', enqueued_until = null
     from done where s.account_id = done.id`,
  );
}

const node = z.object({ "Shared Hit Blocks": z.number(), "Shared Read Blocks": z.number() });
const explained = z.tuple([z.object({ Plan: node })]);
const explainedRow = z.tuple([z.object({ "QUERY PLAN": explained })]);

/** One tick, its commit included, and the blocks that it looked at. */
async function tickOnce(session: PoolClient): Promise<{ milliseconds: number; buffers: number }> {
  const started = performance.now();
  const { rows } = await session.query(
    `explain (analyze, buffers, timing off, format json) select app_private.enqueue_due_syncs('mono', ${DUE})`,
  );
  const milliseconds = performance.now() - started;
  const [{ Plan: plan }] = explainedRow.parse(rows)[0]["QUERY PLAN"];
  return { milliseconds, buffers: plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] };
}

const planLines = z.array(z.object({ "QUERY PLAN": z.string() }));

/** How the accounts that are due are found. */
async function planOf(admin: Pool): Promise<string> {
  const { rows } = await admin.query(
    `explain (costs off)
     select s.account_id from app_private.sync_states s
     where s.platform_source = 'mono' and greatest(s.next_sync_at, s.enqueued_until) <= app_private.clock()
     order by greatest(s.next_sync_at, s.enqueued_until) limit ${DUE} for update skip locked`,
  );
  const scan = planLines.parse(rows).find((line) => line["QUERY PLAN"].includes("Scan"));
  return scan?.["QUERY PLAN"].replace("->", "").trim() ?? "no scan";
}

const size = z.tuple([z.object({ heap: z.coerce.number(), indexes: z.coerce.number() })]);

async function sizeOfStates(admin: Pool): Promise<{ heap: number; indexes: number }> {
  const { rows } = await admin.query(
    `select pg_relation_size('app_private.sync_states') as heap, pg_indexes_size('app_private.sync_states') as indexes`,
  );
  return size.parse(rows)[0];
}

/** An hour of the fleet's life, minute by minute: the clock goes on, what is due is enqueued and done. */
async function steadily(
  database: BenchDatabase,
  session: PoolClient,
  { minutes, say }: Omit<Measurement, "ticks">,
): Promise<void> {
  const before = await sizeOfStates(database.admin);
  const times: number[] = [];
  for (let minute = 0; minute < minutes; minute += 1) {
    await database.admin.query("select app_private.set_clock(app_private.clock() + interval '1 minute')");
    times.push((await tickOnce(session)).milliseconds);
    await finishAll(database);
  }
  const after = await sizeOfStates(database.admin);
  const tenth = Math.max(1, Math.floor(minutes / 6));
  say(
    `${minutes} minutes of virtual time: tick p50 ${rounded(median(times))} ms, p99 ${rounded(quantile(times, 0.99))} ms, ` +
      `first sixth ${rounded(median(times.slice(0, tenth)))} ms, last ${rounded(median(times.slice(-tenth)))} ms; ` +
      `sync_states grew by ${rounded(100 * (after.heap / before.heap - 1))} %, its indexes by ${rounded(100 * (after.indexes / before.indexes - 1))} %`,
  );
}
