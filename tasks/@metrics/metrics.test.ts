import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import test from "ava";
import type { Client } from "pg";
import { pino } from "pino";
import { z } from "zod";
import { parseEnvironment } from "../../db/environment.ts";
import type { Queryable } from "../../db/queryable.ts";
import { readGauges } from "../../db/queries/gauges.ts";
import { beat } from "../../db/queries/workers.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { withDb } from "../../db/testing/database.ts";
import { begin, fail, finish, leaseOf, linkMomo, linkMono, noon, setClock } from "../../db/testing/world.ts";
import { RunTally } from "../@sync/run_tally.ts";
import { gaugeCatalogue } from "./gauge_catalogue.ts";
import { listenForMetrics } from "./listen.ts";
import { Metrics } from "./metrics.ts";
import { readSamples } from "./testing/samples.ts";

const silent = pino({ level: "silent" });

/** Everything that a gauge can tell has happened to somebody. */
async function fullWorld(db: Client): Promise<void> {
  await setClock(db, noon);
  const bank = await linkMono(db, { institutionCode: "058" });
  const wallet = await linkMomo(db);
  await finish(db, leaseOf(await begin(db, bank)));
  await fail(db, leaseOf(await begin(db, wallet, "worker-1", "mtn_momo")), "auth_required");
  await beat(db, "pool-1", "mono", []);
  await db.query("select app_private.enqueue_due_syncs(p.platform_source) from app_private.platforms p");
  await db.query("update app_private.platforms set daily_refresh_cap = 500");
  await db.query(
    "insert into app_private.incidents (platform_source, institution_code, opened_at) values ('mono', '058', $1)",
    [noon],
  );
  await db.query("select app_admin.count_now()");
}

test(
  "the database answers exactly the gauges of the catalogue, each with its labels",
  withDb(async (t, db) => {
    await fullWorld(db);
    const told = (await readGauges(db)).map(({ gauge, labels }) => `${gauge} ${Object.keys(labels).toSorted().join()}`);
    const listed = Object.entries(gaugeCatalogue).map(
      ([name, { labels }]) => `${name} ${[...labels].toSorted().join()}`,
    );
    t.deepEqual([...new Set(told)].toSorted(), listed.toSorted());
  }),
);

test(
  "gauges tell what is so: accounts by status, what is due and for how long, who is alive, who needs their owner",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const bank = await linkMono(db);
    const wallet = await linkMomo(db);
    await finish(db, leaseOf(await begin(db, bank)));
    await fail(db, leaseOf(await begin(db, wallet, "worker-1", "mtn_momo")), "auth_required");
    await beat(db, "pool-1", "mono", []);
    const value = async (name: string, labels: Record<string, string>): Promise<number | undefined> =>
      (await readGauges(db)).find(
        ({ gauge, labels: has }) =>
          gauge === name && Object.entries(labels).every(([label, wanted]) => has[label] === wanted),
      )?.value;
    const mono = { platform: "mono" };
    const momo = { platform: "mtn_momo" };
    const count = () => db.query("select app_admin.count_now()");
    await count();
    t.is(await value("accounts", mono), 1);
    t.is(await value("accounts_with_problem", { ...momo, problem: "needs_owner" }), 1);
    t.is(await value("open_auth_episodes", momo), 1);
    t.is(await value("open_auth_episodes", mono), 0);
    t.is(await value("workers", { runner: "mono" }), 1);
    t.is(await value("workers", { runner: "mtn_momo" }), 0, "nobody is there, and that is told");
    t.is(await value("accounts_fresh_ratio", mono), 1);
    t.is(await value("accounts_with_problem", { ...mono, problem: "late" }), 0);
    t.is(await value("dispatch_lag_seconds", mono), 0);
    t.is(await value("quota_requests_per_second", mono), 16);
    t.is(await value("sync_window_at_risk", mono), 0);
    t.true(Number(await value("statistics_age_seconds", {})) < 60);

    // Four days on nobody has looked at it: late, stale, not dispatched.
    await setClock(db, "2026-03-14T12:00:00.000Z");
    await count();
    t.is(await value("accounts_fresh_ratio", mono), 0);
    t.is(await value("accounts_with_problem", { ...mono, problem: "late" }), 1);
    t.is(await value("accounts_with_problem", { ...mono, problem: "stale" }), 1);
    t.true(Number(await value("dispatch_lag_seconds", mono)) > 86_400);

    t.is(await value("platform_paused", { ...mono, reason: "configuration" }), 0);
    await fail(db, leaseOf(await begin(db, bank)), "configuration");
    t.is(await value("platform_paused", { ...mono, reason: "configuration" }), 1);
    t.is(await value("platform_paused", { ...mono, reason: "operator" }), 0);
    t.is(await value("platform_paused", { ...momo, reason: "configuration" }), 0);
  }),
);

test(
  "our tasks are told apart, those of others are one",
  withDb(async (t, db) => {
    const metrics = new Metrics();
    metrics.readFrom(db, silent);
    for (const task of ["mono_sync", "clean_up", "theirs", "another_of_theirs"]) {
      await db.query("select graphile_worker.add_job($1)", [task]);
    }
    const ready = readSamples((await metrics.render()).text).filter(
      ({ name, labels }) => name === "tidemark_queue_jobs" && labels["state"] === "ready",
    );
    t.deepEqual(Object.fromEntries(ready.map(({ labels, value }) => [labels["task"], value])), {
      mono_sync: 1,
      clean_up: 1,
      other: 2,
    });
  }),
);

/** Worst case: 2 platforms, 6 tasks and `other`, 20 institutions each and `others`. Process metrics of Node come on top. */
const MOST_SERIES = 600;

test(
  "many accounts, banks and foreign tasks make no more series, and no id is ever a label",
  withDb(async (t, db) => {
    await fullWorld(db);
    const metrics = new Metrics();
    metrics.readFrom(db, silent);
    const ids: string[] = [];
    for (let n = 0; n < 60; n += 1) {
      const { accountId, userId } = await linkMono(db, { institutionCode: `bank${n}`, accountName: `name-${n}` });
      ids.push(accountId, userId, `name-${n}`, `mono-${accountId}`);
      await db.query(
        "insert into app_private.incidents (platform_source, institution_code, opened_at) values ('mono', $2, $1)",
        [noon, `bank${n}`],
      );
      await db.query("select graphile_worker.add_job($1)", [`somebody_elses_${n}`]);
      metrics.served({ method: `X${n}`, route: "/metrics", status: 200 }, 1);
    }
    const { text } = await metrics.render();
    const samples = readSamples(text);
    t.is(samples.filter(({ name }) => name === "tidemark_institution_down").length, 21);
    t.deepEqual(
      samples.filter(({ name, labels }) => name === "tidemark_queue_lag_seconds" && labels["task"] === "other").length,
      1,
    );
    t.true(samples.length < MOST_SERIES, `${samples.length} series`);
    for (const id of ids) t.false(text.includes(id), id);
    t.notRegex(text.replace(/^#.*$/gm, ""), /[0-9a-f]{8}-[0-9a-f]{4}-/);
  }),
);

test("what a process counts: runs, rows, requests, heartbeats; every series begins at zero", async (t) => {
  const metrics = new Metrics();
  const value = async (name: string, labels: Record<string, string> = {}): Promise<number | undefined> =>
    readSamples((await metrics.render()).text).find(
      (sample) => sample.name === name && Object.entries(labels).every(([label, is]) => sample.labels[label] === is),
    )?.value;
  const mono = { platform: "mono" };
  t.is(await value("tidemark_runs_total", { ...mono, outcome: "provider_down" }), 0);
  t.is(await value("tidemark_run_duration_seconds_count", mono), 0);
  const tally = new RunTally();
  tally.saved({ new_count: 3, changed_count: 1, unchanged_count: 0, removed_count: 0 });
  metrics.runEnded("mono", { kind: "success", tally }, 120);
  metrics.runEnded("mono", { kind: "suspended", until: noon }, 20);
  metrics.runEnded(
    "mono",
    {
      kind: "failed",
      failure: { kind: "provider_down", message: "", code: null, retryAt: null },
      tally: new RunTally(),
      error: null,
    },
    20,
  );
  for (const status of [200, 204, 429, 503, "timeout"] as const) {
    metrics.providerAnswered("mono", { operation: "transactions", status, milliseconds: 10 });
  }
  metrics.heartbeat("missed");
  metrics.tookOver({ workers_buried: 2, runs_reclaimed: 5 });
  metrics.served({ method: "GET", route: "/sync/account/:id", status: 202 }, 3);
  t.is(await value("tidemark_runs_total", { ...mono, outcome: "success" }), 1);
  t.is(await value("tidemark_runs_total", { ...mono, outcome: "waiting" }), 1);
  t.is(await value("tidemark_runs_total", { ...mono, outcome: "provider_down" }), 1);
  t.is(await value("tidemark_run_duration_seconds_count", mono), 3);
  t.is(await value("tidemark_rows_total", { ...mono, result: "new" }), 3);
  t.is(await value("tidemark_provider_requests_total", { ...mono, status: "2xx" }), 2);
  for (const status of ["429", "5xx", "timeout"]) {
    t.is(await value("tidemark_provider_requests_total", { ...mono, status }), 1);
  }
  t.is(await value("tidemark_heartbeats_total", { outcome: "missed" }), 1);
  t.is(await value("tidemark_workers_buried_total"), 2);
  t.is(await value("tidemark_runs_reclaimed_total"), 5);
  t.is(await value("tidemark_http_request_duration_seconds_count", { status: "2xx" }), 1);
});

/** A database that answers one gauge, and whose health and clock are the test's. */
function stub() {
  const state = { asked: 0, isAway: false, now: 0 };
  const db: Queryable = {
    query: async () => {
      state.asked += 1;
      await Promise.resolve();
      if (state.isAway) throw new Error("away");
      return { rows: [{ gauge: "workers", labels: { runner: "mono" }, value: 2 }] };
    },
  };
  const metrics = new Metrics({ now: () => state.now });
  metrics.readFrom(db, silent);
  return { state, metrics };
}

test("the database is asked once in ten seconds, however many scrape at once", async (t) => {
  const { state, metrics } = stub();
  await Promise.all([metrics.render(), metrics.render(), metrics.render()]);
  state.now += 9_999;
  await metrics.render();
  t.is(state.asked, 1);
  state.now += 1;
  await metrics.render();
  t.is(state.asked, 2);
});

test("without the database what the process counts is served, old gauges are not, and database_up says why", async (t) => {
  const { state, metrics } = stub();
  const before = (await metrics.render()).text;
  t.regex(before, /^tidemark_workers\{runner="mono"\} 2$/m);
  t.regex(before, /^tidemark_database_up 1$/m);
  state.isAway = true;
  state.now += 60_000;
  metrics.heartbeat("missed");
  const { text } = await metrics.render();
  t.notRegex(text, /^tidemark_workers\{/m);
  t.regex(text, /^tidemark_database_up 0$/m);
  t.regex(text, /^tidemark_heartbeats_total\{outcome="missed"\} 1$/m);
  state.isAway = false;
  t.regex((await metrics.render()).text, /^tidemark_database_up 1$/m);
});

test("it is OpenMetrics: its type, its end, counters named with _total", async (t) => {
  const { metrics } = stub();
  const { contentType, text } = await metrics.render();
  t.regex(contentType, /^application\/openmetrics-text; version=1\.0\.0/);
  t.true(text.endsWith("# EOF\n"));
  t.regex(text, /^# TYPE tidemark_runs counter$/m);
});

async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = z.object({ port: z.number() }).parse(server.address());
  server.close();
  await once(server, "close");
  return String(port);
}

test("a worker's listener: off without a port; without tokens for this machine only", async (t) => {
  const { metrics } = stub();
  t.is(await listenForMetrics(parseEnvironment({}), metrics, silent), null);
  const port = await freePort();
  const listener = await listenForMetrics(parseEnvironment({ TIDEMARK_METRICS_PORT: port }), metrics, silent);
  t.teardown(() => listener?.close());
  t.is(listener?.url, `http://127.0.0.1:${port}/metrics`);
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  t.is(answer.status, 200);
  t.regex(answer.headers.get("content-type") ?? "", /openmetrics/);
  t.regex(await answer.text(), /^tidemark_workers\{runner="mono"\} 2$/m);
  t.is((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
  t.is((await fetch(`http://127.0.0.1:${port}/`)).status, 404);
  t.is((await fetch(`http://127.0.0.1:${port}/metrics`, { method: "POST" })).status, 405);
});

test("with tokens it wants one of them", async (t) => {
  const { metrics } = stub();
  const token = canarySecret("hex");
  const listener = await listenForMetrics(
    parseEnvironment({
      TIDEMARK_METRICS_PORT: await freePort(),
      TIDEMARK_METRICS_TOKENS: `prometheus:sha256:${createHash("sha256").update(token).digest("hex")}`,
    }),
    metrics,
    silent,
  );
  t.teardown(() => listener?.close());
  const url = (listener?.url ?? "").replace("0.0.0.0", "127.0.0.1");
  t.is((await fetch(url)).status, 401);
  t.is((await fetch(url, { headers: { authorization: `Bearer ${token}x` } })).status, 401);
  t.is((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status, 200);
});
