/**
 * The work of a sync as people would write it on something else, in a process of its own: on pg-boss, a job an account;
 * or as a loop over the accounts that are due, which cron starts. Both keep what Tidemark keeps: a lease, a run's log, and
 * when the account is due next. Started by startPeer.
 */

import { randomUUID } from "node:crypto";
import { Pool } from "pg";
import { PgBoss } from "pg-boss";
import { z } from "zod";
import { fetchRows, INGEST_COLUMNS, placeholders } from "./fetch_rows.ts";
import { peerName } from "./peers.ts";

const order = z.object({
  databaseUrl: z.string(),
  baseUrl: z.string(),
  peer: peerName,
  concurrency: z.number(),
  start: z.string(),
  end: z.string(),
});
type Order = z.infer<typeof order>;

const dueAccounts = z.array(z.object({ id: z.string() }));
const idRow = z.tuple([z.object({ id: z.string() })]);

const upsertOf = (rows: number): string => `
  insert into peer.transactions as t (${INGEST_COLUMNS.join(", ")}) values ${placeholders(rows)}
  on conflict (account_id, provider_transaction_id) do update
  set status = excluded.status, amount = excluded.amount, narration = excluded.narration, balance_after = excluded.balance_after
  where (t.status, t.amount, t.narration, t.balance_after)
    is distinct from (excluded.status, excluded.amount, excluded.narration, excluded.balance_after)`;

async function syncOne(pool: Pool, given: Order, accountId: string): Promise<void> {
  const lease = randomUUID();
  const leased = await pool.query(
    `update peer.accounts set lease_id = $2, leased_until = now() + interval '5 minutes', last_sync_attempt = now()
     where id = $1 and next_sync_at <= now() and (leased_until is null or leased_until < now())`,
    [accountId, lease],
  );
  if (leased.rowCount === 0) return;
  const opened = await pool.query(
    "insert into peer.sync_logs (account_id, status, started_at) values ($1, 'in_progress', now()) returning id",
    [accountId],
  );
  const [{ id: logId }] = idRow.parse(opened.rows);
  let seen = 0;
  let written = 0;
  for (let page = 1, more = true; more; page += 1) {
    const { rows, hasMore } = await fetchRows(given, accountId, page);
    if (rows.length > 0) written += (await pool.query(upsertOf(rows.length), rows.flat())).rowCount ?? 0;
    seen += rows.length;
    more = hasMore;
  }
  await pool.query(
    "update peer.sync_logs set status = 'success', completed_at = now(), seen = $2, written = $3 where id = $1",
    [logId, seen, written],
  );
  await pool.query(
    `update peer.accounts
     set lease_id = null, leased_until = null, last_synced_at = now(), next_sync_at = now() + interval '1 day', failures = 0
     where id = $1 and lease_id = $2`,
    [accountId, lease],
  );
}

async function due(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query(
    "select id from peer.accounts where next_sync_at <= now() order by next_sync_at limit 1000",
  );
  return dueAccounts.parse(rows).map(({ id }) => id);
}

async function cronLoop(pool: Pool, given: Order): Promise<number> {
  let synced = 0;
  for (let ids = await due(pool); ids.length > 0; ids = await due(pool)) {
    synced += ids.length;
    const left = [...ids];
    const worker = async (): Promise<void> => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) await syncOne(pool, given, id);
    };
    await Promise.all(Array.from({ length: given.concurrency }, worker));
  }
  return synced;
}

const FETCHERS = 4;

async function onPgBoss(pool: Pool, given: Order, boss: PgBoss): Promise<number> {
  const { rows } = await pool.query("select id from peer.accounts where next_sync_at <= now() order by next_sync_at");
  const ids = dueAccounts.parse(rows).map(({ id }) => id);
  let left = ids.length;
  const done = Promise.withResolvers<void>();
  // As its documentation advises for many short jobs: several fetchers, batches, and no pause while batches come full.
  const options = {
    batchSize: Math.ceil(given.concurrency / FETCHERS),
    localConcurrency: FETCHERS,
    pollingIntervalSeconds: 0.5,
    burstWhenBatchFull: true,
  };
  for (let first = 0; first < ids.length; first += 1_000) {
    await boss.insert(
      "sync",
      ids.slice(first, first + 1_000).map((accountId) => ({ data: { accountId } })),
    );
  }
  await boss.work<{ accountId: string }>("sync", options, async (jobs) => {
    await Promise.all(jobs.map(({ data }) => syncOne(pool, given, data.accountId)));
    left -= jobs.length;
    if (left <= 0) done.resolve();
  });
  await done.promise;
  await boss.offWork("sync");
  return ids.length;
}

async function openBoss({ databaseUrl, concurrency }: Order): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString: databaseUrl, max: concurrency });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  await boss.createQueue("sync");
  return boss;
}

async function run(given: Order): Promise<{ syncs: number; seconds: number; cpuMs: number }> {
  const pool = new Pool({ connectionString: given.databaseUrl, max: given.concurrency });
  const boss = given.peer === "pgboss" ? await openBoss(given) : undefined;
  try {
    await Promise.all(Array.from({ length: given.concurrency }, () => pool.query("select 1")));
    const started = performance.now();
    const before = process.cpuUsage();
    const syncs = boss === undefined ? await cronLoop(pool, given) : await onPgBoss(pool, given, boss);
    const { user, system } = process.cpuUsage(before);
    return { syncs, seconds: (performance.now() - started) / 1_000, cpuMs: (user + system) / 1_000 };
  } finally {
    await boss?.stop({ graceful: true, timeout: 5_000 });
    await pool.end();
  }
}

async function report(given: Order): Promise<void> {
  process.send?.(await run(given));
  process.disconnect();
}

process.once("message", (message) => {
  void report(order.parse(message));
});
process.send?.({ ready: true });
