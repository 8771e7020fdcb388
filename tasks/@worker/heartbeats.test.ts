import test, { type ExecutionContext } from "ava";
import { pino } from "pino";
import type { Queryable } from "../../db/queryable.ts";
import { Heartbeats } from "./heartbeats.ts";

type Call = { verb: string; values: unknown[]; answer: (reclaimed?: number) => void; fail: (error: Error) => void };

/** A database that answers by itself, except the calls that the test holds. */
function createStub() {
  const holders: ((call: Call) => void)[] = [];
  const verbs: string[] = [];
  const db: Queryable = {
    query: (text, values = []) =>
      new Promise((resolve, reject) => {
        const verb = /app_private\.(\w+)/.exec(text)?.[1] ?? text;
        verbs.push(`${verb} ${String(values[0])}`);
        const answer = (reclaimed = 0) => {
          resolve({ rows: [{ workers_buried: 0, runs_reclaimed: reclaimed, jobs_freed: 0, reclaimed }] });
        };
        const holder = holders.shift();
        if (holder === undefined) answer();
        else holder({ verb, values, answer, fail: reject });
      }),
  };
  return {
    db,
    /** Every call so far: its verb and its worker. */
    verbs,
    /** The next call, which then waits for the test's answer. */
    hold: () => new Promise<Call>((hold) => void holders.push(hold)),
  };
}

/** Beats every millisecond. */
function create(t: ExecutionContext) {
  const { db, verbs, hold } = createStub();
  const lines: string[] = [];
  const log = pino({ level: "warn" }, { write: (line) => void lines.push(line) });
  const heartbeats = new Heartbeats(db, log, { everyMs: 1 });
  // The beats alone keep no process alive, and here nothing else does.
  const { port1: alive } = new MessageChannel();
  alive.ref();
  t.teardown(async () => {
    await heartbeats.stop();
    alive.close();
  });
  return { heartbeats, lines, verbs, hold };
}

/** Whether a promise has settled once everything that could settle it by itself has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  await new Promise((turn) => setImmediate(turn));
  return settled;
}

test("a worker is registered before any of its jobs may take a lease", async (t) => {
  const { heartbeats, hold } = create(t);
  const held = hold();
  const first = heartbeats.working("pool-1", "mono", "account-1");
  const second = heartbeats.working("pool-1", "mono", "account-2");
  const registration = await held;
  t.is(registration.verb, "beat");
  t.deepEqual(registration.values.slice(0, 2), ["pool-1", "mono"]);
  t.false(await isSettled(first));
  t.false(await isSettled(second));
  registration.answer();
  await t.notThrowsAsync(Promise.all([first, second]));
});

test("a worker that could not be registered gets no lease, and registers anew with its next job", async (t) => {
  const { heartbeats, hold } = create(t);
  const refusal = hold();
  const refused = heartbeats.working("pool-1", "mono", "account-1");
  (await refusal).fail(new Error("the database is away"));
  await t.throwsAsync(refused, { message: "the database is away" });

  const held = hold();
  const again = heartbeats.working("pool-1", "mono", "account-1");
  const registration = await held;
  t.false(await isSettled(again));
  registration.answer();
  await t.notThrowsAsync(again);
});

test("each beat names the accounts that are worked on at that moment", async (t) => {
  const { heartbeats, hold } = create(t);
  const beatNow = async () => {
    const beat = await hold();
    beat.answer();
    return beat.values[2];
  };
  const done = await heartbeats.working("pool-1", "mono", "account-1");
  const alsoDone = await heartbeats.working("pool-1", "mono", "account-1");
  t.deepEqual(await beatNow(), ["account-1"]);
  done();
  t.deepEqual(await beatNow(), ["account-1"], "its other job goes on");
  alsoDone();
  t.deepEqual(await beatNow(), []);
});

test("a beat that is on its way knows nothing of a new job, so the job's lease waits for it", async (t) => {
  const { heartbeats, hold } = create(t);
  await heartbeats.working("pool-1", "mono", "account-1");
  const onItsWay = await hold();
  t.deepEqual(onItsWay.values[2], ["account-1"]);
  const second = heartbeats.working("pool-1", "mono", "account-2");
  t.false(await isSettled(second), "a lease begun now would be taken back by that beat");
  const held = hold();
  onItsWay.answer();
  await t.notThrowsAsync(second);
  const following = await held;
  t.deepEqual(following.values[2], ["account-1", "account-2"]);
  following.answer();
});

test("a beat that fails is logged, and the next one is sent all the same", async (t) => {
  const { heartbeats, lines, hold } = create(t);
  await heartbeats.working("pool-1", "mono", "account-1");
  const missed = await hold();
  const waiting = heartbeats.working("pool-1", "mono", "account-2");
  const held = hold();
  missed.fail(new Error("the database is away"));
  await t.notThrowsAsync(waiting);
  (await held).answer(1);
  (await hold()).answer();
  t.is(lines.length, 2);
  t.regex(lines[0] ?? "", /heartbeat missed/);
  t.regex(lines[1] ?? "", /took over from workers that stopped beating/);
});

test("stopping says goodbye for every worker, after the last beat and never again", async (t) => {
  const { heartbeats, verbs, hold } = create(t);
  await heartbeats.working("pool-1", "mono", "account-1");
  await heartbeats.working("pool-2", "mtn_momo", "account-1");
  const last = await hold();
  const before = verbs.length;
  const stopped = heartbeats.stop();
  t.false(await isSettled(stopped));
  last.answer();
  await stopped;
  t.deepEqual(verbs.slice(before), ["stop_worker pool-1", "stop_worker pool-2"]);
});

test("a goodbye that was not heard is said again by the next stop, and only for those that are left", async (t) => {
  const { heartbeats, verbs, hold } = create(t);
  await heartbeats.working("pool-1", "mono", "account-1");
  await heartbeats.working("pool-2", "mono", "account-2");
  const last = await hold();
  const before = verbs.length;
  const stopped = heartbeats.stop();
  const goodbyes = [hold(), hold()];
  last.answer();
  (await goodbyes[0])?.answer();
  (await goodbyes[1])?.fail(new Error("the database is away"));
  await t.throwsAsync(stopped, { message: "the database is away" });
  await heartbeats.stop();
  await heartbeats.stop();
  t.deepEqual(verbs.slice(before), ["stop_worker pool-1", "stop_worker pool-2", "stop_worker pool-2"]);
});
