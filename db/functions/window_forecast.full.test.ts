import test from "ava";
import type { Client } from "pg";
import { enqueueDueSyncs } from "../queries/dispatch.ts";
import { type LeaseDetails, beginSyncs, finishSyncs } from "../queries/runs.ts";
import { rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { withClonedDb } from "../testing/database.ts";
import { emptyLog } from "../testing/world.ts";

const ACCOUNTS = 10_000;
const MINUTE = 60_000;

/** Half an hour before the window of 2:00 to 6:00 in Lagos. */
const before = Date.parse("2026-03-10T00:30:00Z");
const opens = Date.parse("2026-03-10T01:00:00Z");
const closes = Date.parse("2026-03-10T05:00:00Z");

/** Business time stands still there. */
async function at(db: Client, moment: number): Promise<void> {
  await db.query("select app_private.set_clock($1, true)", [new Date(moment).toISOString()]);
}

/** Ten thousand accounts that were synced yesterday, each with its place in today's window. */
async function tenThousand(db: Client): Promise<void> {
  await at(db, before);
  await db.query("update app_private.platforms set admin_interval = '1 day'");
  await db.query(
    `with ids as (
       select md5(n::text)::uuid as id, n from generate_series(1, ${ACCOUNTS}) n
     ),
     accounts as (
       insert into app_public.accounts (id, user_id, account_name, account_type, platform_source, currency, mono_account_id,
         last_synced_at, last_sync_attempt, linked_at)
       select id, id, 'Account', 'bank', 'mono', 'NGN', n::text, '2026-03-09 03:00:00Z', '2026-03-09 03:00:00Z', '2026-01-01Z' from ids
     ),
     links as (
       insert into app_private.links (account_id, time_zone, login_key) select id, 'Africa/Lagos', n::text from ids
     )
     insert into app_private.sync_states (account_id, platform_source, next_sync_at) select id, 'mono', 'infinity' from ids`,
  );
  await db.query(
    "update app_private.sync_states set next_sync_at = app_private.schedule(account_id, '2026-03-09 03:00:00Z')",
  );
}

type Forecast = { moment: number; at_risk: boolean; why: unknown; finish: number; rate: number };

async function forecast(db: Client): Promise<Forecast> {
  await db.query("select app_admin.count_now()");
  const row = await rowOf(
    db,
    `select extract(epoch from app_private.clock())::float8 * 1000 as moment, at_risk, why, extract(epoch from projected_finish)::float8 * 1000 as finish, accounts_per_second as rate
     from app_admin.sync_windows where platform_source = 'mono'`,
  );
  return {
    moment: Number(row.moment),
    at_risk: row.at_risk === true,
    why: row.why,
    finish: Number(row.finish),
    rate: Number(row.rate),
  };
}

/** Takes jobs from the queue, as many as the quota lets through in a minute, and runs them through the verbs. */
async function work(db: Client, jobs: number): Promise<number> {
  const taken = await rowsOf(
    db,
    `delete from graphile_worker._private_jobs where id in (
       select j.id from graphile_worker._private_jobs j where j.key like 'sync:%' order by j.priority, j.run_at, j.id limit $1)
     returning payload ->> 'accountId' as id`,
    [jobs],
  );
  if (taken.length === 0) return 0;
  const begun = await beginSyncs(
    db,
    "mono",
    "worker-1",
    taken.map(({ id }) => ({ accountId: String(id) })),
  );
  const leases = begun.flatMap((answer): LeaseDetails[] => (answer.outcome === "begun" ? [answer.details] : []));
  await finishSyncs(
    db,
    leases.map(({ accountId, runId, epoch }) => ({ accountId, runId, epoch, log: { ...emptyLog, requests: 2 } })),
  );
  return leases.length;
}

/** Lives through the window minute by minute; answers when the last of the accounts was done, and what was foretold meanwhile. */
async function live(
  db: Client,
  rate: number,
  until: number,
): Promise<{ finished: number | null; forecasts: Forecast[] }> {
  const forecasts: Forecast[] = [];
  let done = 0;
  let credit = 0;
  for (let now = before; now <= until; now += MINUTE) {
    await at(db, now);
    while ((await enqueueDueSyncs(db, "mono", 1000)) === 1000);
    // A minute's permits die with it.
    credit = Math.min(credit + rate * 60, rate * 60 + 1);
    const ran = await work(db, Math.floor(credit));
    credit -= ran;
    done += ran;
    if ((now - before) % (30 * MINUTE) === 0) forecasts.push(await forecast(db));
    if (done === ACCOUNTS) return { finished: now, forecasts };
  }
  return { finished: null, forecasts };
}

test(
  "10,000 accounts finish within their window of four hours at 20 requests a second, and at no time is it said to be at risk",
  // Commits as it goes: in one transaction the versions that no vacuum may take pile up in the dispatcher's index.
  withClonedDb(async (t, cloned) => {
    t.timeout(600_000);
    const db = await cloned.connect("app_owner");
    await tenThousand(db);
    const { rate } = await forecast(db);
    t.is(rate, 6.4, "8 slots of 2 permits, less the reserve, two requests an account");
    const { finished, forecasts } = await live(db, rate, closes + MINUTE);
    t.true(finished !== null && finished <= closes, String(finished));
    t.true(forecasts.length > 8);
    t.deepEqual(
      forecasts.filter(({ at_risk }) => at_risk),
      [],
    );
    t.is(
      await valueOf(
        db,
        `select count(*) from app_public.accounts
         where last_synced_at between to_timestamp($1::float8 / 1000) and to_timestamp($2::float8 / 1000)`,
        [opens, closes],
      ),
      String(ACCOUNTS),
    );
    t.is(await valueOf(db, "select freshness from app_admin.platform_health where platform_source = 'mono'"), 1);
  }),
);

test(
  "a quota that makes it impossible is told before the window opens, with the reason, and the end is foretold to the minute",
  // Commits as it goes: in one transaction the versions that no vacuum may take pile up in the dispatcher's index.
  withClonedDb(async (t, cloned) => {
    t.timeout(600_000);
    const db = await cloned.connect("app_owner");
    await tenThousand(db);
    t.false((await forecast(db)).at_risk, "the control");
    await db.query("select app_admin.change_quota('mono', 'they halved it, and more', 21, '10 seconds')");
    const told = await forecast(db);
    t.like(told, { at_risk: true, why: "the quota is too small for the accounts that are due", rate: 0.64 });
    const { finished, forecasts } = await live(db, told.rate, told.finish + 30 * MINUTE);
    t.true(finished !== null && finished > closes, "it was impossible");
    t.true(Math.abs((finished ?? 0) - told.finish) < 10 * MINUTE, `${String(finished)} instead of ${told.finish}`);
    t.deepEqual(
      forecasts.filter(({ moment, at_risk }) => moment < closes && !at_risk),
      [],
    );
    await db.query("select app_admin.change_quota('mono', 'they gave it back', 20, '1 second')");
    t.false((await forecast(db)).at_risk, "and the condition ends with its cause");
  }),
);

test(
  "workers that do less than the quota allows are told as such, and so is a pause",
  // Commits as it goes: in one transaction the versions that no vacuum may take pile up in the dispatcher's index.
  withClonedDb(async (t, cloned) => {
    t.timeout(600_000);
    const db = await cloned.connect("app_owner");
    await tenThousand(db);
    await live(db, 0.1, opens + 90 * MINUTE);
    t.like(await forecast(db), { at_risk: true, why: "runs take too long, or there are too few workers" });
    await at(db, opens + 110 * MINUTE);
    t.like(await forecast(db), { at_risk: true, why: "no run has ended in the last quarter of an hour" });
    await db.query("select app_admin.pause_platform('mono', 'maintenance')");
    t.like(await forecast(db), { at_risk: true, why: "the platform is paused: maintenance" });
  }),
);
