import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { Client } from "pg";
import { listOf, rowOf, rowsOf, valueOf } from "../../db/testing/ask.ts";
import { unreadLog } from "../../db/testing/canaries/unread_log.ts";
import { type ClonedDb, withClonedDb } from "../../db/testing/database.ts";
import { Metrics } from "../../tasks/@metrics/metrics.ts";
import { readSamples } from "../../tasks/@metrics/testing/samples.ts";
import { openStage, type Stage } from "../soak/stage.ts";
import { type Expected, Scrapes } from "./scrapes.ts";
import { Site } from "./site.ts";

/**
 * The game day: six incidents. Of each is shown that the metrics tell it, that the view which the runbook names tells its cause,
 * and that what the runbook says to do ends it. Then Prometheus' own promtool evaluates alerts.yml, as it stands, over what was
 * scraped meanwhile: the alert fires while the incident lasts, not before and not after.
 */

const monitoring = join(import.meta.dirname, "../../server/monitoring");
const MINUTE = 60_000;
const DAY = 86_400_000;
const START = Date.parse("2026-03-02T09:00:00Z");

type Incident = {
  title: string;
  /** Lives through it, and says which alerts must fire when. */
  play: (t: ExecutionContext, cloned: ClonedDb) => Promise<{ scrapes: Scrapes; expected: Expected[] }>;
};

const played = new Map<string, { scrapes: Scrapes; expected: Expected[] }>();

/** Not before, while it lasts, not afterwards. */
const firesBetween = (
  alert: string,
  labels: Record<string, string>[],
  minutes: { before: number; during: number; after: number },
): Expected[] => [
  { minute: minutes.before, alert, firing: [] },
  { minute: minutes.during, alert, firing: labels },
  { minute: minutes.after, alert, firing: [] },
];

/** What an exposition tells of one series; undefined: nothing. */
const told = (text: string, name: string, labels: Record<string, string> = {}): number | undefined =>
  readSamples(text).find(
    (sample) =>
      sample.name === `tidemark_${name}` &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )?.value;

/** The call that the runbook's paragraph about an alert gives, word for word, with the id that it leaves open. */
async function documented(alert: string, call: string, id = ""): Promise<string> {
  const runbook = await readFile(join(monitoring, "RUNBOOK.md"), "utf8");
  const paragraph = runbook.split(/^## /m).find((text) => text.startsWith(`${alert}\n`)) ?? "";
  const found = [...paragraph.matchAll(/`(app_admin\.\w+\([^`]*\))`/g)].find(([, text = ""]) => text.includes(call));
  if (found?.[1] === undefined) throw new Error(`the paragraph about ${alert} has no ${call}`);
  return `select ${found[1].replace("ID", id)}`;
}

/** The whole of Tidemark on one thread and one clock; what the server and the worker tell is scraped once a minute of it. */
class StagedDay {
  readonly stage: Stage;
  readonly scrapes = new Scrapes();
  /** Acts as app_admin: whoever works by the runbook. */
  readonly operator: Client;
  readonly #server: Metrics;
  latest = "";

  private constructor(stage: Stage, operator: Client) {
    this.stage = stage;
    this.operator = operator;
    this.#server = new Metrics({ now: () => stage.now() });
    this.#server.readFrom(stage.runtime.db, unreadLog());
  }

  static async open(cloned: ClonedDb, seed: string): Promise<StagedDay> {
    return new StagedDay(
      await openStage({ databaseUrl: cloned.url, seed, startAt: START }),
      await cloned.connect("app_admin"),
    );
  }

  /** Minutes pass by both clocks; each tick's work is done before the scrape. */
  async pass(minutes: number, before?: () => Promise<unknown>): Promise<void> {
    for (let n = 0; n < minutes; n += 1) {
      await this.stage.advance(MINUTE);
      // Machine time does not pass by itself here: what it is compared with grows older instead.
      await this.stage.owner.query(
        `update app_private.quotas set refused_at = refused_at - interval '1 minute', blocked_until = blocked_until - interval '1 minute'`,
      );
      await before?.();
      await this.stage.drain();
      await this.operator.query("select app_admin.count_now()");
      this.latest = (await this.#server.render()).text;
      this.scrapes.take({ server: this.latest, worker: (await this.stage.runtime.metrics.render()).text });
    }
  }
}

const WALLETS = 12;
/** Longer than TidemarkProviderSlow allows, shorter than any deadline of ours. */
const SLOW_MS = 5_500;

/** So many more accounts at Mono, which were synced this morning and are due in tomorrow's sync window. */
async function accountsOfTomorrow({ owner }: Stage, many: number): Promise<void> {
  await owner.query(
    `with ids as (select md5(n::text)::uuid as id, n from generate_series(1, $1::int) n),
     accounts as (
       insert into app_public.accounts (id, user_id, account_name, account_type, platform_source, currency, mono_account_id,
         last_synced_at, last_sync_attempt, linked_at)
       select id, id, 'Account', 'bank', 'mono', 'NGN', 'm' || n, '2026-03-02 01:05Z', '2026-03-02 01:05Z', '2026-01-01Z' from ids
     ),
     links as (insert into app_private.links (account_id, time_zone, login_key) select id, 'Africa/Lagos', n::text from ids)
     insert into app_private.sync_states (account_id, platform_source, next_sync_at) select id, 'mono', 'infinity' from ids`,
    [many],
  );
  await owner.query(
    "update app_private.sync_states set next_sync_at = app_private.schedule(account_id, '2026-03-02 01:05Z') where next_sync_at = 'infinity'",
  );
}

const incidents: Incident[] = [
  {
    title: "one bank down",
    async play(t, cloned) {
      const day = await StagedDay.open(cloned, t.title);
      const { stage, scrapes, operator } = day;
      try {
        const link = (institution: string) =>
          stage.linkBank(
            { institution, historyDays: 20, perWeek: 3, lateShare: 0 },
            { historyDays: 10, institutionCode: institution },
          );
        for (let n = 0; n < 6; n += 1) await link("058");
        const others = [await link("044"), await link("044")];
        await stage.drain();
        await day.pass(3);
        const before = scrapes.minute;

        // Days later all are due again, and their bank is away.
        stage.mono.setInstitution("058", { down: true });
        await stage.advance(4 * DAY);
        await day.pass(15);
        const during = scrapes.minute;
        t.is(told(day.latest, "institution_down", { platform: "mono", institution: "058" }), 1);
        t.is(told(day.latest, "open_incidents", { platform: "mono", scope: "platform" }), 0, "the others go on");

        // What the runbook says to look at.
        const [incident, ...more] = await rowsOf(operator, "select * from app_admin.incidents where closed_at is null");
        t.deepEqual(more, []);
        t.like(incident, { platform_source: "mono", institution_code: "058" });
        t.regex(String(incident?.["last_error"]), /\w/);
        const banks = await rowsOf(operator, "select * from app_admin.institution_health");
        t.like(
          banks.find((row) => row["institution_code"] === "058"),
          { verdict: "down", main_failure_1h: "transient" },
        );
        t.like(
          banks.find((row) => row["institution_code"] === "044"),
          { verdict: "ok", failing: 0 },
        );
        t.is(
          await valueOf(
            stage.owner,
            "select count(*)::int from app_public.accounts where last_synced_at > $1 and id = any ($2)",
            [new Date(START + 4 * DAY), others.map(({ accountId }) => accountId)],
          ),
          2,
        );

        // It is back, and the next probe is far off.
        stage.mono.setInstitution("058", { down: false });
        await operator.query(await documented("TidemarkInstitutionDown", "close_incident", String(incident?.["id"])));
        await day.pass(12);
        t.is(told(day.latest, "institution_down"), undefined);
        t.is(await valueOf(stage.owner, "select count(*)::int from app_private.sync_states where failures > 0"), 0);
        t.like(await rowOf(operator, "select * from app_admin.institution_health where institution_code = '058'"), {
          down_since: null,
          late: 0,
          failing: 0,
        });
        return {
          scrapes,
          expected: firesBetween(
            "TidemarkInstitutionDown",
            [{ platform: "mono", institution: "058", severity: "ticket" }],
            { before, during, after: scrapes.minute },
          ),
        };
      } finally {
        await stage.close();
      }
    },
  },
  {
    title: "our Mono key is revoked",
    async play(t, cloned) {
      const site = await Site.open(cloned, t.title);
      const scrapes = new Scrapes();
      const scrape = async (minutes: number): Promise<string> => {
        const server = await site.metrics();
        scrapes.take({ server }, minutes);
        return server;
      };
      try {
        const account = await site.linkBank();
        const worker = await site.startWorker([]);
        await site.until("not exists (select from app_public.accounts where last_synced_at is null)");
        await scrape(5);
        const before = scrapes.minute;

        site.mono.setKey({ secretKey: "live_sk_the_next_one", refusal: 401 });
        await site.owner.query(
          "select graphile_worker.add_job('mono_sync', json_build_object('accountId', $1::uuid))",
          [account],
        );
        await site.until("exists (select from app_private.platforms where paused_until > app_private.clock())");
        const refused = await scrape(5);
        const during = scrapes.minute;
        t.is(told(refused, "platform_paused", { platform: "mono", reason: "configuration" }), 1);
        t.is(told(refused, "platform_paused", { platform: "mtn_momo", reason: "configuration" }), 0);

        const health = await rowOf(
          site.operator,
          "select * from app_admin.platform_health where platform_source = 'mono'",
        );
        t.is(health["verdict"], "paused");
        t.regex(String(health["paused_reason"]), /^configuration: /);
        t.is(
          await valueOf(site.owner, "select sync_status from app_public.accounts"),
          "active",
          "no account is to blame",
        );

        // The valid key into the environment, restarted, and not waited for.
        t.is(await worker.stop(), 0);
        await site.startWorker([], { MONO_SECRET_KEY: "live_sk_the_next_one" });
        const synced = await valueOf(site.owner, "select last_synced_at from app_public.accounts");
        await site.operator.query(await documented("TidemarkKeyRefused", "resume_platform"));
        await site.until("exists (select from app_public.accounts where last_synced_at > $1)", [synced]);
        const well = await scrape(8);
        t.is(told(well, "platform_paused", { platform: "mono", reason: "configuration" }), 0);
        return {
          scrapes,
          expected: firesBetween("TidemarkKeyRefused", [{ platform: "mono", severity: "page" }], {
            before,
            during,
            after: scrapes.minute,
          }),
        };
      } finally {
        await site.close();
      }
    },
  },
  {
    title: "MoMo is slow",
    async play(t, cloned) {
      const site = await Site.open(cloned, t.title);
      const scrapes = new Scrapes();
      const done = (platform: string, times: number): Promise<void> =>
        site.until(
          "(select count(*) from app_public.sync_logs where platform_source::text = $1 and status = 'success') >= $2",
          [platform, times],
        );
      /** Pairs of runs of successes at MoMo that were under way at the same time. */
      const sideBySide = (): Promise<unknown> =>
        valueOf(
          site.owner,
          `select count(*)::int from app_public.sync_logs a join app_public.sync_logs b on b.id > a.id
             and b.sync_started_at < a.sync_completed_at
           where a.platform_source = 'mtn_momo' and b.platform_source = 'mtn_momo' and a.status = 'success' and b.status = 'success'`,
        );
      try {
        for (let n = 0; n < WALLETS; n += 1) await site.linkWallet();
        await site.linkBank();
        const few = await site.startWorker(["--concurrency", "1"]);
        await done("mtn_momo", WALLETS);
        await done("mono", 1);
        scrapes.take({ server: await site.metrics(), few: await few.metrics() }, 5);
        const before = scrapes.minute;

        // Every answer takes longer than the alert allows, and everybody is due.
        site.momo.followFaultPlan(() => ({ kind: "slow", delayMs: SLOW_MS }));
        await site.owner.query("update app_private.sync_states set next_sync_at = app_private.clock()");
        await site.owner.query("select app_private.dispatch_soon('mono'), app_private.dispatch_soon('mtn_momo')");
        await done("mono", 2);
        t.true(
          Number(await valueOf(site.operator, "select ready from app_admin.queue where task = 'momo_sync'")) > 0,
          "Mono has runners of its own, and waits for nobody",
        );
        for (const runs of [1, 2]) {
          await done("mtn_momo", WALLETS + runs);
          scrapes.take({ server: await site.metrics(), few: await few.metrics() }, 8);
        }
        const during = scrapes.minute;
        const within = (text: string, le: string): number =>
          Number(told(text, "provider_request_duration_seconds_bucket", { platform: "mtn_momo", le }));
        const slow = await few.metrics();
        t.true(within(slow, "10") - within(slow, "5") >= 2, "as many requests took longer than five seconds");

        await site.operator.query("select app_admin.count_now()");
        const health = await rowOf(
          site.operator,
          "select extract(epoch from p95)::float8 as p95 from app_admin.platform_health where platform_source = 'mtn_momo'",
        );
        t.true(Number(health["p95"]) > 4, `${String(health["p95"])} s`);
        const why = await listOf(
          site.operator,
          "select distinct why from app_admin.late_accounts where platform_source = 'mtn_momo'",
        );
        t.true(why.includes("in the queue"), why.join());
        t.is(await sideBySide(), 0);

        // More concurrency, since workers only wait. MoMo is as slow as before.
        t.is(await few.stop(), 0);
        const many = await site.startWorker(["--concurrency", String(WALLETS)]);
        await site.until("not exists (select from app_admin.late_accounts)");
        await done("mtn_momo", 2 * WALLETS);
        t.true(Number(await sideBySide()) > 0);

        // And when it answers in time again, that is the end of it.
        site.momo.followFaultPlan(null);
        scrapes.take({ server: await site.metrics(), many: await many.metrics() });
        await site.owner.query("update app_private.sync_states set next_sync_at = app_private.clock()");
        await site.owner.query("select app_private.dispatch_soon('mtn_momo')");
        await done("mtn_momo", 3 * WALLETS);
        scrapes.take({ server: await site.metrics(), many: await many.metrics() }, 12);
        return {
          scrapes,
          expected: firesBetween("TidemarkProviderSlow", [{ platform: "mtn_momo", severity: "ticket" }], {
            before,
            during,
            after: scrapes.minute,
          }),
        };
      } finally {
        await site.close();
      }
    },
  },
  {
    title: "the dispatcher has stopped",
    async play(t, cloned) {
      const site = await Site.open(cloned, t.title);
      const scrapes = new Scrapes();
      try {
        await site.linkBank();
        const worker = await site.startWorker([]);
        await site.until("not exists (select from app_public.accounts where last_synced_at is null)");
        await site.owner.query("select app_private.dispatch_soon('mono'), app_private.dispatch_soon('mtn_momo')");
        await site.until("not exists (select from app_private.platforms where last_dispatch_at is null)");
        await site.owner.query("update app_private.platforms set last_dispatch_at = clock_timestamp()");
        scrapes.take({ server: await site.metrics() });
        const before = scrapes.minute;

        t.is(await worker.stop(), 0);
        await site.owner.query("update app_private.sync_states set next_sync_at = app_private.clock()");
        // What four minutes of machine time would do.
        await site.owner.query(
          "update app_private.platforms set last_dispatch_at = last_dispatch_at - interval '4 minutes'",
        );
        const dead = await site.metrics();
        scrapes.take({ server: dead });
        const during = scrapes.minute;
        const tick = told(dead, "dispatcher_last_tick_timestamp_seconds", { platform: "mono" });
        t.true(Date.now() / 1000 - Number(tick) > 180);
        t.is(told(dead, "workers", { runner: "general" }), 0);

        t.deepEqual(
          await listOf(site.operator, "select verdict from app_admin.platform_health order by platform_source"),
          ["not dispatched", "not dispatched"],
        );
        t.deepEqual(await listOf(site.operator, "select why from app_admin.late_accounts"), ["not dispatched yet"]);
        t.deepEqual(await rowsOf(site.operator, "select * from app_admin.workers"), []);

        // "Start a worker." Its first tick is at the next full minute.
        await site.startWorker([]);
        await site.until(
          `not exists (select from app_admin.late_accounts)
           and not exists (select from app_admin.platform_health where verdict = 'not dispatched')`,
        );
        scrapes.take({ server: await site.metrics() });
        return {
          scrapes,
          // Nobody ticks for either platform.
          expected: firesBetween(
            "TidemarkDispatcherDead",
            [
              { platform: "mono", severity: "page" },
              { platform: "mtn_momo", severity: "page" },
            ],
            { before, during, after: scrapes.minute },
          ),
        };
      } finally {
        await site.close();
      }
    },
  },
  {
    title: "a worker is killed",
    async play(t, cloned) {
      const site = await Site.open(cloned, t.title);
      const watcher = await cloned.connect("app_owner");
      const scrapes = new Scrapes();
      try {
        const account = await site.linkBank();
        const victim = await site.startWorker(["--deadline-ms", "60000"]);
        await site.until("not exists (select from app_public.accounts where last_synced_at is null)");
        const pools = () =>
          victim.said.filter(({ msg }) => msg === "pool registers").map((line) => String(line["pool"]));

        // It is killed while Mono leaves it without an answer. Another worker is there, for MoMo only.
        const other = await site.startWorker(["--platform", "mtn_momo"]);
        site.mono.addFault({ kind: "hang", match: { path: "/transactions" } });
        await site.owner.query(
          "select graphile_worker.add_job('mono_sync', json_build_object('accountId', $1::uuid))",
          [account],
        );
        await site.until("exists (select from app_private.sync_states where held_by = any ($1))", [pools()]);
        scrapes.take({ server: await site.metrics(), other: await other.metrics() }, 3);
        const before = scrapes.minute;
        // Until we have looked, nobody buries it: a beat passes over what is locked.
        await watcher.query("begin");
        await watcher.query("select from app_private.workers where worker_id = any ($1) for update", [pools()]);
        await victim.kill();

        await site.until("not exists (select from app_admin.workers where worker_id = any ($1) and alive)", [pools()]);
        t.like(
          await rowOf(site.operator, "select * from app_admin.workers where worker_id = any ($1) and runs > 0", [
            pools(),
          ]),
          { alive: false, runner: "mono", runs: "1" },
        );
        await watcher.query("commit");
        await other.until(() => other.said.some((line) => Number(line["runs_reclaimed"]) > 0));
        const found = await other.metrics();
        scrapes.take({ server: await site.metrics(), other: found }, 3);
        const during = scrapes.minute;
        t.true(Number(told(found, "workers_buried_total")) >= 1);
        t.is(told(found, "runs_reclaimed_total"), 1);

        // "Start another", and what was cut off is done.
        await site.startWorker(["--platform", "mono"]);
        await site.until(
          "(select count(*) from app_public.sync_logs where account_id = $1 and status = 'success') >= 2",
          [account],
        );
        t.deepEqual(
          await listOf(
            site.owner,
            "select coalesce(failure_kind::text, status::text) from app_public.sync_logs order by id limit 3",
          ),
          ["success", "interrupted", "success"],
        );
        t.is(
          await valueOf(site.operator, "select count(*)::int from app_admin.workers where alive and runner = 'mono'"),
          1,
        );
        scrapes.take({ server: await site.metrics(), other: await other.metrics() }, 12);
        return {
          scrapes,
          expected: firesBetween("TidemarkWorkerDied", [{ severity: "ticket" }], {
            before,
            during,
            after: scrapes.minute,
          }),
        };
      } finally {
        await site.close();
      }
    },
  },
  {
    title: "the quota is halved",
    async play(t, cloned) {
      const day = await StagedDay.open(cloned, t.title);
      const { stage, scrapes, operator } = day;
      try {
        const ours: string[] = [];
        for (let n = 0; n < 2; n += 1) {
          ours.push((await stage.linkBank({ historyDays: 20, perWeek: 3, lateShare: 0 })).accountId);
        }
        await stage.drain();
        await stage.owner.query(
          "update app_private.platforms set admin_interval = '1 day', sync_window = '15 minutes' where platform_source = 'mono'",
        );
        await stage.owner.query("update app_private.quotas set requests = 20 where platform_source = 'mono'");
        await day.pass(1);
        const window = () => rowOf(operator, "select * from app_admin.sync_windows where platform_source = 'mono'");
        const capacity = Number((await window())["window_capacity"]);
        await accountsOfTomorrow(stage, Math.round(0.75 * capacity));
        await day.pass(3);
        const before = scrapes.minute;
        t.false((await window())["at_risk"]);

        // The provider takes half of what it took, and says so by 429s.
        stage.mono.addFault({ kind: "429", match: { path: "/transactions" }, times: 10_000 });
        const makeDue = () =>
          stage.owner.query(
            "update app_private.sync_states set next_sync_at = app_private.clock() where account_id = any ($1) and run_id is null",
            [ours],
          );
        await day.pass(28, makeDue);
        const refused = scrapes.minute;
        t.true(Number(told(day.latest, "quota_learned_ratio", { platform: "mono" })) < 0.5);
        t.true(Number(told(day.latest, "sync_window_load_ratio", { platform: "mono" })) > 1);
        const quota = await rowOf(operator, "select * from app_admin.quota where platform_source = 'mono'");
        t.true(Number(quota["learned"]) < 0.5);
        t.truthy(quota["last_429_at"]);
        t.like(await window(), { at_risk: true, why: "the quota is too small for the accounts that are due" });

        // What is really granted becomes the quota: no more 429s. It is too little for the window, which is told as well.
        stage.mono.clearFaults();
        await operator.query(await documented("TidemarkRateLimited", "change_quota"));
        // Quiet syncs would lower what a sync costs on average, and with it what the forecast asks of the quota.
        await stage.owner.query(
          "update app_private.sync_states set next_sync_at = next_sync_at + interval '20 hours' where account_id = any ($1)",
          [ours],
        );
        await day.pass(12);
        const halved = scrapes.minute;
        t.is(told(day.latest, "quota_learned_ratio", { platform: "mono" }), 1);
        t.like(await window(), { at_risk: true, why: "the quota is too small for the accounts that are due" });

        // More time.
        await operator.query(await documented("TidemarkQuotaTooSmall", "change_sync_window"));
        await day.pass(2);
        t.like(await window(), { at_risk: false, why: null });
        await makeDue();
        await stage.drain();
        t.is(
          await valueOf(
            stage.owner,
            "select count(*)::int from app_private.sync_states where last_failure_kind is not null",
          ),
          0,
        );
        const mono = { platform: "mono" };
        return {
          scrapes,
          expected: [
            ...firesBetween("TidemarkRateLimited", [{ ...mono, severity: "ticket" }], {
              before,
              during: refused,
              after: halved,
            }),
            ...firesBetween("TidemarkQuotaTooSmall", [{ ...mono, severity: "ticket" }], {
              before,
              during: halved,
              after: scrapes.minute,
            }),
            ...firesBetween("TidemarkSyncWindowAtRisk", [{ ...mono, severity: "page" }], {
              before,
              during: halved,
              after: scrapes.minute,
            }),
          ],
        };
      } finally {
        await stage.close();
      }
    },
  },
];

for (const { title, play } of incidents) {
  test.serial(
    `${title}: metrics tell it, the view names its cause, and the documented action ends it`,
    withClonedDb(async (t, cloned) => {
      t.timeout(600_000);
      played.set(title, await play(t, cloned));
    }),
  );
}

/** Debian's package prometheus has it, and .ci/run fetches it; without it these are counted as skipped. */
const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;
const withPromtool = hasPromtool ? test.serial : test.serial.skip;

for (const { title } of incidents) {
  withPromtool(`${title}: its alert fires while it lasts, neither before nor after`, async (t) => {
    const record = played.get(title);
    if (record === undefined) {
      t.fail("the incident was not lived through");
      return;
    }
    const folder = await mkdtemp(join(tmpdir(), "tidemark-game-day-"));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "incident.json");
    const run = async (expected: Expected[]) => {
      await writeFile(file, record.scrapes.ruleTest(join(monitoring, "alerts.yml"), expected));
      return spawnSync("promtool", ["test", "rules", file], { encoding: "utf8" });
    };
    const { status, stdout, stderr } = await run(record.expected);
    t.is(status, 0, `${stdout}${stderr}`);
    // The control: what is expected the other way round is refused.
    const inverted = record.expected.map((one) => ({ ...one, firing: one.firing.length > 0 ? [] : [{ no: "such" }] }));
    t.not((await run(inverted)).status, 0);
  });
}
