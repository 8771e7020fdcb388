import test from "ava";
import fc from "fast-check";
import type { Queryable } from "../queryable.ts";
import { listOf, rowsOf, valueOf } from "../testing/ask.ts";
import { twoSessions, withDb } from "../testing/database.ts";
import { type Account, begin, fail, finish, linkMomo, linkMono, noon, setClock, stateRow } from "../testing/world.ts";

/** What the rollups of one grain say, against the log itself. */
const differences = (db: Queryable, grain: string) =>
  rowsOf(
    db,
    `with told as (
       select platform_source, institution_code, outcome, starts_at, sum(runs) as runs, sum(requests) as requests
       from app_private.run_rollups where grain = $1::interval group by 1, 2, 3, 4
     ),
     logged as (
       select l.platform_source, coalesce(k.institution_code, ''), coalesce(l.failure_kind::text, 'success'),
         date_bin($1::interval, l.sync_completed_at, '2000-01-01 00:00:00+00'), count(*)::numeric, sum(l.requests)::numeric
       from app_public.sync_logs l join app_private.links k using (account_id)
       where l.status <> 'in_progress' group by 1, 2, 3, 4
     )
     (select 'told' as side, * from (table told except table logged) x)
     union all
     (select 'logged', * from (table logged except table told) x)`,
    [grain],
  );

const fold = async (db: Queryable, limit = 10_000): Promise<number> => {
  let folded = 0;
  for (;;) {
    const [answer] = await rowsOf(db, "select * from app_private.fold_runs($1)", [limit]);
    folded += Number(answer?.folded);
    if (answer?.more !== true) return folded;
  }
};

test(
  "whatever runs do between two calls, each is counted once, in spans of five minutes, hours and days",
  withDb(async (t, db) => {
    const kinds = ["transient", "auth_required", "provider_down", "configuration"] as const;
    const step = fc.oneof(
      fc.record({ do: fc.constant("begin" as const), account: fc.nat(3) }),
      fc.record({ do: fc.constant("finish" as const), account: fc.nat(3) }),
      fc.record({ do: fc.constantFrom(...kinds), account: fc.nat(3) }),
      fc.record({ do: fc.constant("fold" as const), limit: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ do: fc.constant("wait" as const), minutes: fc.integer({ min: 1, max: 900 }) }),
      fc.record({ do: fc.constant("burn an id" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        await db.query("savepoint world");
        let now = Date.parse(noon);
        await setClock(db, noon);
        const accounts: Account[] = [];
        for (const institutionCode of ["044", "044", "058", undefined]) {
          accounts.push(await linkMono(db, institutionCode === undefined ? {} : { institutionCode }));
        }
        const open = new Map<number, Awaited<ReturnType<typeof begin>>>();
        let closed = 0;
        let folded = 0;
        for (const taken of steps) {
          if (taken.do === "fold") folded += await fold(db, taken.limit);
          else if (taken.do === "burn an id") await db.query("select nextval('app_public.sync_logs_id_seq')");
          else if (taken.do === "wait") {
            now += taken.minutes * 60_000;
            await setClock(db, new Date(now).toISOString());
          } else {
            const account = accounts[taken.account];
            const lease = open.get(taken.account);
            if (account === undefined) throw new Error("four accounts");
            if (taken.do === "begin" && lease === undefined) {
              // No breaker and no pause between a step and what it means.
              await db.query("delete from app_private.breakers");
              await db.query("update app_private.platforms set paused_until = null");
              open.set(taken.account, await begin(db, account));
            } else if (taken.do !== "begin" && lease !== undefined) {
              await (taken.do === "finish" ? finish(db, lease) : fail(db, lease, taken.do));
              open.delete(taken.account);
              closed += 1;
            }
          }
        }
        folded += await fold(db, 2);
        t.is(folded, closed);
        for (const grain of ["5 minutes", "1 hour", "1 day"]) t.deepEqual(await differences(db, grain), []);
        t.is(await fold(db), 0, "and not again");
        await db.query("rollback to savepoint world");
      }),
      { numRuns: 40 },
    );
  }),
);

test(
  "a run whose opening is not committed when its turn comes is counted when it is",
  twoSessions(async (t, a, b) => {
    // Wallets: Mono's paid refreshes are counted in one row, for which the second would wait.
    const [slow, quick] = [await linkMomo(a), await linkMomo(a)];
    await a.query("begin");
    const first = await begin(a, slow, "worker-1", "mtn_momo");
    const second = await begin(b, quick, "worker-2", "mtn_momo");
    await finish(b, second);
    t.is(await fold(b), 1);
    await finish(a, first);
    await a.query("commit");
    t.is(await fold(b), 1);
    t.deepEqual(await differences(b, "1 hour"), []);
    t.deepEqual(await listOf(b, "select run_id from app_private.unfolded_runs"), []);
  }),
);

test(
  "two who count at the same time count once: the second leaves it to the first",
  twoSessions(async (t, a, b) => {
    const account = await linkMono(a);
    await finish(a, await begin(a, account));
    await a.query("begin");
    t.is(await fold(a), 1);
    t.is(await fold(b), 0);
    await a.query("commit");
    await finish(b, await begin(b, account));
    t.is(await fold(b), 1, "the control: alone, the second does count");
    t.deepEqual(await differences(b, "1 day"), []);
  }),
);

test(
  "an id that shows no row is given up after ten minutes, and a jump of the sequence is jumped over",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    await finish(db, await begin(db, account));
    await fold(db);
    await db.query("delete from app_private.unfolded_runs");
    await db.query("select nextval('app_public.sync_logs_id_seq')");
    await finish(db, await begin(db, account));
    t.is(await fold(db), 1);
    t.is(await valueOf(db, "select count(*) from app_private.unfolded_runs"), "1");
    await db.query("update app_private.unfolded_runs set since = since - interval '11 minutes'");
    t.is(await fold(db), 0);
    t.is(await valueOf(db, "select count(*) from app_private.unfolded_runs"), "0");
    await db.query("select setval('app_public.sync_logs_id_seq', 1e12::bigint)");
    await finish(db, await begin(db, account));
    t.is(await fold(db, 5), 1);
    t.is(await valueOf(db, "select count(*) from app_private.unfolded_runs"), "10");
    t.like(await stateRow(db, account), { run_id: null });
  }),
);

test(
  "quantiles read from the buckets are the true ones, within a bucket's width",
  withDb(async (t, db) => {
    for (const seconds of ["0.02 + n * 0.01", "exp(n / 100.0)", "30 + (n % 7) * 5"]) {
      const [row] = await rowsOf(
        db,
        `with d as (select make_interval(secs => (${seconds})::double precision) as d from generate_series(1, 1000) n),
           b as (select app_private.duration_bucket(d) as bucket, count(*)::numeric as runs from d group by 1)
         select share,
           extract(epoch from app_private.duration_quantile(
             (select array_agg(bucket order by bucket) from b), (select array_agg(runs order by bucket) from b), share))::float8
           / extract(epoch from (select percentile_disc(share) within group (order by d) from d))::float8 as ratio
         from unnest(array[0.5, 0.95, 0.99]::float8[]) share
         order by 2 desc limit 1`,
      );
      t.true(Math.abs(Math.log2(Number(row?.ratio))) <= 0.25, `${seconds}: ${JSON.stringify(row)}`);
    }
    t.is(await valueOf(db, "select app_private.duration_quantile('{}', '{}', 0.5)"), null);
    t.deepEqual(
      await listOf(
        db,
        "select app_private.duration_bucket(d::interval) from unnest(array['0', '10 ms', '11 ms', '1 s', '30 h']) d",
      ),
      ["0", "0", "1", "27", "80"],
    );
  }),
);
