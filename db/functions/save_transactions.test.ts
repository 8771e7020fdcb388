import test, { type ExecutionContext } from "ava";
import type { Client } from "pg";
import { z } from "zod";
import { savedArguments, type SavedPage, saveTransactions } from "../queries/pages.ts";
import { rowOf, valueOf } from "../testing/ask.ts";
import { twoSessions, withClonedDb, withDb } from "../testing/database.ts";
import { type Account, begin, complete, incoming, linkMono, page, save, setClock } from "../testing/world.ts";

const rows = Array.from({ length: 100 }, (_, n) =>
  incoming(`t${n}`, `2026-03-${String(1 + (n % 10)).padStart(2, "0")}`, { amount: `${n}.10`, balanceAfter: "5" }),
);

/** An account whose rows are stored, settled and vacuumed, and the lease of its next run. */
async function syncedAndBegun(db: Client): Promise<{ account: Account; quiet: SavedPage; changed: SavedPage }> {
  await setClock(db, "2026-05-01T12:00:00Z");
  const account = await linkMono(db, { historyDays: 61 });
  const lease = await begin(db, account);
  const last = complete(rows, { asOf: "2026-04-30T12:00:00Z" });
  await save(db, page(lease, rows, last));
  await db.query("vacuum (analyze) app_public.transactions");
  const other = rows.with(50, incoming("t50", "2026-03-01", { amount: "77" }));
  return { account, quiet: page(lease, rows, last), changed: page(lease, other, last) };
}

const plan = z.object({
  "Actual Rows": z.number(),
  "WAL Records": z.number(),
  "WAL Bytes": z.number(),
  "Shared Hit Blocks": z.number(),
});
const explained = z.tuple([z.object({ "QUERY PLAN": z.tuple([z.object({ Plan: plan })]) })]);

/** What saving this page wrote and touched. */
async function planOf(db: Client, saved: SavedPage): Promise<z.infer<typeof plan>> {
  const { rows: found } = await db.query(
    "explain (analyze, buffers, wal, format json) select * from app_private.save_transactions($1, $2)",
    savedArguments([saved]),
  );
  return explained.parse(found)[0]["QUERY PLAN"][0].Plan;
}

async function walOf(t: ExecutionContext, db: Client, saved: SavedPage) {
  const found = await planOf(db, saved);
  t.is(found["Actual Rows"], 1);
  return { records: found["WAL Records"], bytes: found["WAL Bytes"] };
}

test(
  "unchanged rows, complete and settled: not one byte of WAL, no dead tuple, no transaction id",
  withClonedDb(async (t, cloned) => {
    const db = await cloned.connect("app_owner");
    const { quiet, changed } = await syncedAndBegun(db);
    const footprint = () =>
      valueOf(
        db,
        "select string_agg(xmin::text || xmax::text || ctid::text, ' ' order by id) from app_public.transactions",
      );
    const before = await footprint();
    // Once unmeasured: the first call of a session reads its catalogues.
    await save(db, quiet);
    t.deepEqual(await walOf(t, db, quiet), { records: 0, bytes: 0 });
    t.is(await footprint(), before);
    t.is(
      await valueOf(
        db,
        "select pg_current_xact_id_if_assigned()::text from app_private.save_transactions($1, $2)",
        savedArguments([quiet]),
      ),
      null,
    );

    // Positive control: one changed row is seen in all three.
    const wal = await walOf(t, db, changed);
    t.true(wal.records > 0 && wal.bytes > 0);
    t.not(await footprint(), before);
  }),
);

test(
  "the lease is locked only when there is something to write",
  twoSessions(async (t, a, b) => {
    const { account, quiet, changed } = await syncedAndBegun(a);
    await a.query("begin");
    await a.query("select from app_private.sync_states where account_id = $1 for update", [account.accountId]);
    await b.query("set lock_timeout = '50ms'");
    t.like(await save(b, quiet), { outcome: "ok", unchanged_count: 100 });
    await t.throwsAsync(save(b, changed), { code: "55P03" });
    await a.query("rollback");
    t.like(await save(b, changed), { outcome: "ok", changed_count: 1 });
  }),
);

test(
  "a lease that is taken away while the page waits for its row writes nothing",
  twoSessions(async (t, a, b) => {
    const { account, changed } = await syncedAndBegun(a);
    const pid = await valueOf(b, "select pg_backend_pid()");
    await a.query("begin");
    await a.query("update app_private.sync_states set epoch = epoch + 1 where account_id = $1", [account.accountId]);
    const late = save(b, changed);
    // The loser really waits: it has compared, found a change, and asks for the lease.
    while ((await valueOf(a, "select cardinality(pg_blocking_pids($1))", [pid])) === 0);
    await a.query("commit");
    t.like(await late, { outcome: "lost", changed_count: 0 });
    t.is(await valueOf(a, "select count(*) from app_public.transaction_revisions"), "0");
  }),
);

test(
  "many pages in one call: answers in the order given",
  withClonedDb(async (t, cloned) => {
    const db = await cloned.connect("app_worker");
    const owner = await cloned.connect("app_owner");
    const accounts = [await linkMono(owner), await linkMono(owner), await linkMono(owner)];
    const pages: SavedPage[] = [];
    for (const [n, account] of accounts.entries()) {
      pages.push(page(await begin(db, account), rows.slice(0, n + 1)));
    }
    const answers = await saveTransactions(db, pages);
    t.deepEqual(
      answers.map(({ outcome, new_count }) => [outcome, new_count]),
      [
        ["ok", 1],
        ["ok", 2],
        ["ok", 3],
      ],
    );
  }),
);

test(
  "a call of quiet, new and lost pages: each has the answer and the effect that it has alone",
  withClonedDb(async (t, cloned) => {
    const db = await cloned.connect("app_owner");
    await setClock(db, "2026-05-01T12:00:00Z");
    const settled = async () =>
      (await db.query("select settled::text from app_private.coverage order by account_id")).rows.map(
        (row: unknown) => z.object({ settled: z.string() }).parse(row).settled,
      );
    const names = ["quiet", "settles", "news", "lost"] as const;
    const pages: SavedPage[] = [];
    for (const name of names) {
      const lease = await begin(db, await linkMono(db, { historyDays: 61 }));
      const { rows: all, ...last } = { rows, ...complete(rows, { asOf: "2026-04-30T12:00:00Z" }) };
      await save(db, page(lease, all, name === "settles" ? {} : last));
      const unknown = incoming("t100", "2026-03-02", { amount: "1234" });
      const others = name === "news" || name === "lost" ? [...all, unknown] : all;
      const { complete: claimed } = complete(others, { asOf: "2026-04-30T12:00:00Z" });
      pages.push(
        page(name === "lost" ? { ...lease, epoch: lease.epoch + 1 } : lease, others, { ...last, complete: claimed }),
      );
    }
    t.is(new Set(await settled()).size, 2, "only one of them has its days still to settle");
    const answers = await saveTransactions(db, pages);
    const nothing = { outcome: "ok", new_count: 0, changed_count: 0, removed_count: 0, deferred: [] };
    t.deepEqual(answers, [
      { ...nothing, unchanged_count: 100 },
      { ...nothing, unchanged_count: 100 },
      { ...nothing, new_count: 1, unchanged_count: 100 },
      { ...nothing, outcome: "lost", unchanged_count: 0 },
    ]);
    t.deepEqual(new Set(await settled()), new Set(["{[2026-03-01,2026-03-11)}"]));
    t.is(await valueOf(db, "select count(*) from app_public.transactions"), "401");
  }),
);

test(
  "a worker of 0.1.0, which has the rows within its pages, is answered the same",
  withDb(async (t, db) => {
    const old = (pages: SavedPage[]) =>
      rowOf(db, "select new_count, changed_count, unchanged_count from app_private.save_transactions($1)", [
        JSON.stringify(pages),
      ]);
    const lease = await begin(db, await linkMono(db));
    const corrected = rows.with(0, { ...incoming(rows[0]?.id ?? "", "2026-03-02", { amount: "77" }) });
    t.deepEqual(await old([page(lease, rows)]), { new_count: 100, changed_count: 0, unchanged_count: 0 });
    t.like(await save(db, page(lease, rows)), { new_count: 0, changed_count: 0, unchanged_count: 100 });
    t.deepEqual(await old([page(lease, corrected)]), { new_count: 0, changed_count: 1, unchanged_count: 99 });
  }),
);

test(
  "planned when an empty table was just vacuumed, it does not read all transactions for each row when there are many",
  withClonedDb(async (t, cloned) => {
    const db = await cloned.connect("app_owner");
    await db.query("alter table app_public.transactions set (autovacuum_enabled = false)");
    await db.query("vacuum (analyze) app_public.transactions");
    const touched = async (saved: SavedPage) => (await planOf(db, saved))["Shared Hit Blocks"];
    const quiet = page(await begin(db, await linkMono(db)), rows.slice(0, 10), complete(rows.slice(0, 10)));
    await save(db, quiet);
    await save(db, quiet);
    const few = await touched(quiet);
    const crowd = Array.from({ length: 1_000 }, (_, n) => incoming(`c${n}`, "2026-03-02", { amount: `${n}.20` }));
    for (let others = 0; others < 5; others += 1) await save(db, page(await begin(db, await linkMono(db)), crowd));
    const many = await touched(quiet);
    // For each of the ten rows it would be ten times the table. (18 reads none of it more than before, 15 twice.)
    const table = Number(await valueOf(db, "select pg_relation_size('app_public.transactions') / 8192"));
    t.true(many < few + 3 * table, `${few} blocks, then ${many}, of a table of ${table}`);
  }),
);
