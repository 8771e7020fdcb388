import { randomUUID } from "node:crypto";
import test from "ava";
import { beat } from "../../db/queries/workers.ts";
import { enqueueDueSyncs } from "../../db/queries/dispatch.ts";
import { listOf, rowOf, valueOf } from "../../db/testing/ask.ts";
import type { IncomingTransaction, LeasedAccount, SyncStep, Window } from "../@sync/platform.ts";
import { onceFree, runSync } from "./run_sync.ts";
import { atWorkplace, fakePlatform, newKeyring } from "./testing/workplace.ts";

/** A credit of 12.50 on the window's last day. */
const row = (id: string, window: Window, more: Partial<IncomingTransaction> = {}): IncomingTransaction => ({
  id,
  status: "posted",
  direction: "credit",
  amount: "12.50",
  currency: "NGN",
  occurredAt: `${window.to}T10:00:00.000Z`,
  occurredOn: window.to,
  narration: id,
  category: null,
  balanceAfter: null,
  counterparty: null,
  ...more,
});

const newestWindow = (account: LeasedAccount): Window => {
  const window = account.windows.at(-1);
  if (window === undefined) throw new Error("the account has nothing to fetch");
  return window;
};

const page = (window: Window, number: number, rows: IncomingTransaction[], isLast = false): SyncStep => ({
  kind: "page",
  window,
  page: number,
  rows,
  refused: [],
  complete: isLast ? { ids: rows.map(({ id }) => id), settles: true } : null,
});

/** Two transactions and a balance; everything as it should be. */
const healthy = fakePlatform(async function* (account, context) {
  await context.permit();
  const window = newestWindow(account);
  await Promise.resolve();
  yield { kind: "data_as_of", asOf: context.now().toISOString() };
  yield page(window, 1, [row("a", window), row("b", window)], true);
  yield { kind: "balance", amount: "99.95", currency: "NGN", asOf: context.now().toISOString() };
  yield { kind: "state", state: { jobId: "j1" } };
});

/** Tells nothing at all. */
const walletOnly = fakePlatform(async function* () {
  yield* await Promise.resolve([]);
});

const never = fakePlatform(() => {
  throw new Error("the provider is not to be asked");
});

test.serial(
  "a run that succeeds: its log, the balance, the moment, the next one, and no job left",
  atWorkplace({ mono: healthy }, async (t, { link, runJobs, account, logs, jobs, owner, reports }) => {
    const id = await link();
    await runJobs();
    const synced = await account(id);
    t.like(synced, {
      balance: "99.95",
      sync_status: "active",
      failures: 0,
      run_id: null,
      held_by: null,
      is_due: false,
      provider_state: { jobId: "j1" },
    });
    const runs = await logs(id);
    t.is(runs.length, 1);
    t.is(synced["last_sync_attempt"], runs[0]?.["sync_started_at"]);
    t.is(synced["last_synced_at"], runs[0]?.["sync_completed_at"]);
    t.like(runs[0], {
      status: "success",
      trigger: "backend",
      new_count: 2,
      transactions_synced: 2,
      pages: 1,
      requests: 1,
      failure_kind: null,
      error_message: null,
    });
    t.deepEqual(
      await listOf(owner, "select provider_transaction_id || ' ' || amount from app_public.transactions order by 1"),
      ["a 12.50", "b 12.50"],
    );
    t.deepEqual(await jobs(), []);
    t.is(reports.length, 1);
    t.like(reports[0], { platform: "mono", accountId: id, outcome: { kind: "success" } });
  }),
);

test.serial(
  "a job added by hand runs the account again, whatever its schedule says",
  atWorkplace({ mono: healthy }, async (t, { link, addJob, runJobs, logs }) => {
    const id = await link();
    await runJobs();
    await addJob("mono_sync", { accountId: id });
    await runJobs();
    const [, second] = await logs(id);
    t.like(second, { status: "success", trigger: "manual", new_count: 0, unchanged_count: 2 });
  }),
);

test.serial(
  "any id that Postgres takes for a uuid will do, whatever a standard says of its digits",
  atWorkplace({ mtn_momo: walletOnly }, async (t, { link, runJobs, logs, owner, jobs }) => {
    const id = await link({
      resume: "11111111-1111-1111-1111-111111111111",
      platform: "mtn_momo",
      baseUrl: "https://momo.example",
      targetEnvironment: "sandbox",
    });
    await owner.query(
      "select app_private.track_reference($1, 'ffffffff-ffff-ffff-ffff-fffffffffff0', p_requested_at => now() - interval '1 hour')",
      [id],
    );
    await runJobs();
    t.deepEqual(await jobs(), []);
    t.like((await logs(id))[0], { status: "success" });
  }),
);

test.serial(
  "a malformed payload ends the job at once, with a logged reason that repeats none of it",
  atWorkplace({ mono: never, mtn_momo: never }, async (t, { addJob, runJobs, jobs, lines }) => {
    const malformed = [
      {},
      [],
      "0131883461",
      null,
      { accountId: "0131883461" },
      { accountId: 131883461 },
      { accountId: randomUUID(), runId: "0131883461 or 1" },
      { accountId: randomUUID(), trigger: "0131883461" },
      { accountId: randomUUID(), runId: "0131883461".repeat(2) },
      { accountId: randomUUID(), dueAt: "0131883461" },
    ];
    for (const payload of malformed) await addJob("mono_sync", payload);
    await runJobs();
    t.deepEqual(await jobs(), []);
    const reasons = lines.filter(({ msg }) => msg?.startsWith("job ended: malformed payload at"));
    t.is(reasons.length, malformed.length);
    t.true(reasons.every(({ level }) => level === "error"));
    t.notRegex(JSON.stringify(lines), /0131883461/);
  }),
);

test.serial(
  "what cannot be run ends its job at once, with a logged reason, and asks no provider",
  atWorkplace({ mono: never }, async (t, { link, addJob, runJobs, jobs, lines, owner, logs }) => {
    const reasons = async () => {
      lines.length = 0;
      await runJobs();
      t.deepEqual(await jobs(), []);
      return lines.flatMap(({ level, msg }) => (msg?.startsWith("job ended: ") ? [`${level}: ${msg}`] : []));
    };
    await addJob("mono_sync", { accountId: randomUUID() });
    t.deepEqual(await reasons(), ["warn: job ended: there is no such account"]);

    const wallet = await link({ platform: "mtn_momo", baseUrl: "https://momo.example", targetEnvironment: "sandbox" });
    t.deepEqual(await reasons(), ["warn: job ended: this platform is off, because this process has no keys for it"]);
    await addJob("mono_sync", { accountId: wallet });
    t.deepEqual(await reasons(), ["warn: job ended: the account belongs to another platform than this task"]);

    const bank = await link();
    await owner.query("update app_public.accounts set paused_at = now() where id = $1", [bank]);
    t.deepEqual(await reasons(), ["debug: job ended: the account, or its platform, is paused"]);

    await owner.query("update app_public.accounts set paused_at = null, unlinked_at = now() where id = $1", [bank]);
    await addJob("mono_sync", { accountId: bank });
    t.deepEqual(await reasons(), ["warn: job ended: the account was unlinked"]);

    await owner.query("update app_public.accounts set unlinked_at = null where id = $1", [bank]);
    await addJob("mono_sync", { accountId: bank, dueAt: "2020-01-01T00:00:00Z" });
    t.deepEqual(await reasons(), ["debug: job ended: this work was done already"]);

    await addJob("mono_sync", { accountId: bank, runId: "123456" });
    t.deepEqual(await reasons(), ["debug: job ended: this work was done already"]);

    t.deepEqual([...(await logs(bank)), ...(await logs(wallet))], [], "none of them opened a run");
  }),
);

test.serial(
  "an account whose row stays locked is tried again by the worker itself",
  atWorkplace({ mono: healthy }, async (t, { link, runJobs, jobs, owner, logs, cloned }) => {
    const id = await link();
    await owner.query("begin");
    await owner.query("select from app_private.sync_states where account_id = $1 for update", [id]);
    await runJobs();
    await owner.query("rollback");
    const left = await jobs();
    t.is(left.length, 1);
    t.like(left[0], { attempts: 1, locked_at: null });
    t.deepEqual(await logs(id), []);

    const worker = await cloned.connect("app_worker");
    await worker.query("select graphile_worker.reschedule_jobs(array[$1]::bigint[], run_at => now())", [
      left[0]?.["id"],
    ]);
    await runJobs();
    t.deepEqual(await jobs(), []);
    t.is((await logs(id)).length, 1);
  }),
);

test.serial(
  "a row that a dispatcher holds while its account's job begins: no error, no dead job, one run",
  atWorkplace({ mono: healthy }, async (t, { link, runtime, runJobs, jobs, owner, logs, lines }) => {
    const id = await link();
    const { verbs } = runtime;
    const begin = verbs.begin.bind(verbs);
    const answers: string[] = [];
    runtime.verbs.begin = async (request) => {
      const isFirst = answers.length === 0;
      if (isFirst) {
        await owner.query("begin");
        t.is(await enqueueDueSyncs(owner, "mono", 10), 1, "its key goes to a job of the dispatcher's");
      }
      const begun = await begin(request);
      answers.push(begun.outcome);
      if (isFirst) await owner.query("commit");
      return begun;
    };
    await runJobs();
    t.deepEqual(answers.slice(0, 2), ["busy", "begun"]);
    t.is((await logs(id)).filter(({ status }) => status === "success").length, 1);
    t.deepEqual(await jobs(), []);
    t.deepEqual(
      lines.filter(({ level }) => level === "error"),
      [],
    );
  }),
);

test("a row that is free again is waited for; one that stays locked, and a worker that stops, are not", async (t) => {
  const asking = (...outcomes: string[]) => {
    let asked = 0;
    const ask = () => Promise.resolve({ outcome: outcomes[Math.min(asked++, outcomes.length - 1)] ?? "" });
    return { ask, times: () => asked };
  };
  const going = new AbortController();
  for (const [outcomes, answer, times] of [
    [["begun"], "begun", 1],
    [["busy", "busy", "stale"], "stale", 3],
    [["busy"], "busy", 6],
  ] as const) {
    const held = asking(...outcomes);
    t.is((await onceFree(held.ask, going.signal)).outcome, answer);
    t.is(held.times(), times);
  }
  const stopped = asking("busy");
  t.is((await onceFree(stopped.ask, AbortSignal.abort())).outcome, "busy");
  t.is(stopped.times(), 2);
});

/** Waits for its provider once, then finishes. */
const patient = (seconds: number, seen: LeasedAccount[]) =>
  fakePlatform(async function* (account, context) {
    seen.push(account);
    await Promise.resolve();
    const until = new Date(context.now().getTime() + seconds * 1000).toISOString();
    if (!account.resumed) yield { kind: "suspend", until, state: { jobId: "j1" } };
    else yield { kind: "state", state: { jobId: null } };
  });

const shortWait: LeasedAccount[] = [];
test.serial(
  "a run that waits for its provider holds no worker, and goes on as the same run under a new epoch",
  atWorkplace({ mono: patient(20, shortWait) }, async (t, { link, runJobs, jobs, account, logs, reports, cloned }) => {
    const id = await link();
    await runJobs();
    t.like(await account(id), { held_by: null, is_due: false, last_synced_at: null });
    const [waiting] = await logs(id);
    t.like(waiting, { status: "in_progress", sync_completed_at: null });
    const left = await jobs();
    t.is(left.length, 1);
    t.like(left[0], { key: `sync:${id}`, attempts: 0, task_identifier: "mono_sync" });

    const worker = await cloned.connect("app_worker");
    await worker.query("select graphile_worker.reschedule_jobs(array[$1]::bigint[], run_at => now())", [
      left[0]?.["id"],
    ]);
    await runJobs();
    t.deepEqual(await jobs(), []);
    const runs = await logs(id);
    t.is(runs.length, 1);
    t.like(runs[0], { id: waiting?.["id"], status: "success" });
    const [first, second] = shortWait;
    t.like(second, { resumed: true, runId: first?.runId, state: { jobId: "j1" } });
    t.true((second?.epoch ?? 0) > (first?.epoch ?? 0));
    t.deepEqual(
      reports.map(({ outcome }) => outcome.kind),
      ["suspended", "success"],
    );
  }),
);

const longWait: LeasedAccount[] = [];
test.serial(
  "a wait of more than a minute follows business time: the dispatcher takes the run up again",
  atWorkplace({ mono: patient(600, longWait) }, async (t, { link, runJobs, jobs, logs, runtime, pass }) => {
    const id = await link();
    await runJobs();
    t.deepEqual(await jobs(), []);
    t.is(await enqueueDueSyncs(runtime.db, "mono", 10), 0);
    await pass(601);
    t.is(await enqueueDueSyncs(runtime.db, "mono", 10), 1);
    await runJobs();
    t.deepEqual(
      (await logs(id)).map(({ status }) => status),
      ["success"],
    );
    t.deepEqual(
      longWait.map(({ resumed }) => resumed),
      [false, true],
    );
  }),
);

test.serial("a run whose lease was taken over writes nothing more, and leaves the other's run alone", async (t) => {
  const platform = fakePlatform(async function* (account) {
    const window = newestWindow(account);
    yield page(window, 1, [row("mine", window)]);
    await takeOver();
    yield page(window, 2, [row("too late", window)]);
  });
  let takeOver = () => Promise.resolve();
  const body = atWorkplace({ mono: platform }, async (tt, { link, runJobs, jobs, owner, logs, lines, reports }) => {
    const id = await link();
    takeOver = async () => {
      await owner.query("select app_private.reclaim_runs(array(select held_by from app_private.sync_states))");
    };
    await runJobs();
    tt.deepEqual(await listOf(owner, "select provider_transaction_id from app_public.transactions"), ["mine"]);
    const runs = await logs(id);
    tt.is(runs.length, 1);
    tt.like(runs[0], { status: "failed", failure_kind: "interrupted", new_count: 1 });
    tt.deepEqual(await jobs(), []);
    tt.true(lines.some(({ msg }) => msg === "run given up: its lease is held by somebody else"));
    tt.like(reports[0], { outcome: { kind: "lost" } });
  });
  await body(t);
});

test.serial("a worker that stops hands its run back: interrupted, due at once, no failure counted", async (t) => {
  const stopping = new AbortController();
  const platform = fakePlatform(async function* (account, context) {
    const window = newestWindow(account);
    yield page(window, 1, [row("saved", window)]);
    await Promise.resolve();
    stopping.abort();
    context.signal.throwIfAborted();
  });
  const body = atWorkplace({ mono: platform }, async (tt, { runtime, link, account, logs, owner }) => {
    const id = await link();
    await runSync(runtime, "mono", { accountId: id }, { worker: "pool-1", stopping: stopping.signal });
    tt.like(await account(id), {
      is_due: true,
      failures: 0,
      last_failure_kind: "interrupted",
      sync_status: "active",
      last_synced_at: null,
      held_by: null,
    });
    tt.like((await logs(id))[0], { status: "failed", failure_kind: "interrupted", new_count: 1 });
    tt.deepEqual(await listOf(owner, "select provider_transaction_id from app_public.transactions"), ["saved"]);
  });
  await body(t);
});

test.serial(
  "a provider's failure is recorded, and its job is done",
  atWorkplace(
    {
      mono: fakePlatform(async function* (account) {
        const window = newestWindow(account);
        yield page(window, 1, [row("saved", window)]);
        throw await Promise.resolve(new RangeError("no"));
      }),
    },
    async (t, { link, runJobs, jobs, account, logs }) => {
      const id = await link();
      await runJobs();
      t.like(await account(id), { failures: 1, is_due: false, last_synced_at: null, sync_status: "active" });
      t.like((await logs(id))[0], {
        status: "failed",
        failure_kind: "transient",
        platform_specific_error: "RangeError: no",
      });
      t.deepEqual(await jobs(), []);
    },
  ),
);

test.serial(
  "a credential that does not open is tried again with backoff: no platform is paused, no provider asked",
  atWorkplace({ mtn_momo: never }, async (t, workplace) => {
    const { link, runtime, runJobs, account, logs, jobs, lines } = workplace;
    const id = await link({
      platform: "mtn_momo",
      baseUrl: "https://momo.example",
      targetEnvironment: "sandbox",
      credentials: { momo_api_key: "the wallet's key" },
    });
    // The same key id over other bytes, as after a slip in a rotation.
    Object.assign(runtime, { keyring: newKeyring() });
    await runJobs();
    t.like(await account(id), {
      failures: 1,
      sync_status: "active",
      last_failure_kind: "transient",
      last_synced_at: null,
    });
    t.like((await logs(id))[0], { status: "failed", failure_kind: "transient", platform_specific_error: "CREDX" });
    t.deepEqual(await jobs(), []);
    t.true(lines.some(({ level, msg }) => level === "error" && msg?.includes("credential could not be opened")));
    t.notRegex(JSON.stringify(lines), /the wallet's key/);
  }),
);

test.serial(
  "an error of our database is the worker's to retry, and the run it left is taken back by the next beat",
  atWorkplace(
    {
      mono: fakePlatform(async function* (account) {
        await Promise.resolve();
        const window = newestWindow(account);
        yield page(window, 1, [row("a", window)]);
        await breakDatabase();
        yield page(window, 2, [row("b", window)]);
      }),
    },
    async (t, { link, runtime, jobs, account, logs, cloned }) => {
      const id = await link();
      const admin = await cloned.connect();
      breakDatabase = async () => {
        await admin.query("alter function app_private.save_transactions rename to save_transactions_away");
      };
      const job = { worker: "pool-1", stopping: new AbortController().signal };
      await t.throwsAsync(runSync(runtime, "mono", { accountId: id }, job), { code: "42883" });
      t.like(await account(id), { held_by: "pool-1" });
      t.is((await jobs()).length, 1, "the link's own job, still waiting");

      // While a job is told to work on the account, its run stays; once none does, it was lost on the way.
      const sibling = await link();
      t.like(await beat(runtime.db, "pool-1", "mono", [id, sibling]), { runs_reclaimed: 0 });
      t.like(await beat(runtime.db, "pool-1", "mono", [sibling]), { runs_reclaimed: 1 });
      t.like(await account(id), { held_by: null, is_due: true, failures: 0 });
      t.like((await logs(id))[0], { status: "failed", failure_kind: "interrupted" });
    },
  ),
);
let breakDatabase = () => Promise.resolve();

test.serial(
  "no lease without a registered worker",
  atWorkplace({ mono: healthy }, async (t, { link, runtime, owner, cloned, logs }) => {
    const id = await link();
    const admin = await cloned.connect();
    await admin.query("alter function app_private.beat rename to beat_away");
    const job = { worker: "pool-1", stopping: new AbortController().signal };
    await t.throwsAsync(runSync(runtime, "mono", { accountId: id }, job), { code: "42883" });
    t.deepEqual(await logs(id), []);

    await admin.query("alter function app_private.beat_away rename to beat");
    await runSync(runtime, "mono", { accountId: id }, job);
    t.like((await logs(id))[0], { status: "success" });
    t.like(await rowOf(owner, "select worker_id, runner from app_private.workers"), {
      worker_id: "pool-1",
      runner: "mono",
    });
    await runtime.heartbeats.stop();
    t.is(await valueOf(owner, "select count(*)::int from app_private.workers"), 0);
  }),
);
