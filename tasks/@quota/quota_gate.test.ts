import test from "ava";
import type { Queryable } from "../../db/queryable.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { QuotaGate } from "./quota_gate.ts";
import { QuotaWaitError } from "./quota_wait.ts";

/** The most moments that lie in any window of this length, its start included and its end not. */
function mostIn(moments: number[], windowMs: number): number {
  const sorted = moments.toSorted((a, b) => a - b);
  let most = 0;
  for (let start = 0, end = 0; end < sorted.length; end += 1) {
    while ((sorted[end] ?? 0) - (sorted[start] ?? 0) >= windowMs) start += 1;
    most = Math.max(most, end - start + 1);
  }
  return most;
}

for (const [requests, windowMs] of [
  [20, 400],
  [60, 500],
  [3, 200],
] as const) {
  test(
    `three processes together keep ${requests} in ${windowMs} ms, and use most of it`,
    withClonedDb(async (t, cloned) => {
      const owner = await cloned.connect("app_owner");
      await owner.query(
        "update app_private.quotas set requests = $1, per = $2 * interval '1 ms' where platform_source = 'mono'",
        [requests, windowMs],
      );
      const gates = [1, 2, 3].map(() => new QuotaGate(cloned.pool("app_worker"), "mono"));
      const moments: number[] = [];
      const wanted = Math.min(requests * 3, 60);
      const startedAt = performance.now();
      await Promise.all(
        Array.from({ length: wanted }, async (_, index) => {
          await gates[index % 3]?.permit(index % 7 === 0);
          moments.push(performance.now());
        }),
      );
      t.is(moments.length, wanted);
      t.true(mostIn(moments, windowMs) <= requests, `${mostIn(moments, windowMs)} in one window`);
      // A gate that lets one request an hour through would pass the line above.
      const windows = (performance.now() - startedAt) / windowMs;
      t.true(wanted / windows > requests / 6, `${(wanted / windows).toFixed(1)} a window`);
    }),
  );
}

test(
  "without a limit nobody waits",
  withClonedDb(async (t, cloned) => {
    const owner = await cloned.connect("app_owner");
    await owner.query("update app_private.quotas set requests = null");
    const gate = new QuotaGate(cloned.pool("app_worker"), "mtn_momo");
    await Promise.all(Array.from({ length: 500 }, () => gate.permit(false)));
    t.pass();
  }),
);

test("without a limit one question is enough for as long as its answer holds, however many ask", async (t) => {
  let asked = 0;
  const db: Queryable = {
    query: () => {
      asked += 1;
      return Promise.resolve({ rows: [{ granted: 1_000_000, spend_within_ms: 600_000, wait_ms: 0 }] });
    },
  };
  const gate = new QuotaGate(db, "mono");
  await gate.permit(false);
  for (let nth = 0; nth < 5_000; nth += 1) await gate.permit(nth % 2 === 0);
  t.is(asked, 1);
});

test(
  "a block that comes where there was no limit is found when the answer no longer holds",
  withClonedDb(async (t, cloned) => {
    const owner = await cloned.connect("app_owner");
    await owner.query("update app_private.quotas set requests = null");
    const gate = new QuotaGate(cloned.pool("app_worker"), "mono");
    await gate.permit(false);
    await owner.query("update app_private.quotas set blocked_until = clock_timestamp() + interval '1 hour'");
    const untilRefused = async (): Promise<void> => {
      for (;;) {
        await gate.permit(false);
        await new Promise((next) => setImmediate(next));
      }
    };
    await t.throwsAsync(untilRefused(), { instanceOf: QuotaWaitError });
    await owner.query("update app_private.quotas set blocked_until = null, requests = 1000");
    await gate.permit(false);
    t.pass();
  }),
);

test(
  "a long block is not waited for in the process, and later requests pass again",
  withClonedDb(async (t, cloned) => {
    const owner = await cloned.connect("app_owner");
    await owner.query(
      "update app_private.quotas set blocked_until = clock_timestamp() + interval '1 minute' where platform_source = 'mono'",
    );
    const gate = new QuotaGate(cloned.pool("app_worker"), "mono");
    const refused = await Promise.allSettled([gate.permit(false), gate.permit(true), gate.permit(false)]);
    for (const one of refused) {
      t.true(one.status === "rejected" && one.reason instanceof QuotaWaitError && one.reason.waitMs > 50_000);
    }
    await owner.query("update app_private.quotas set blocked_until = null");
    await t.notThrowsAsync(gate.permit(false));
  }),
);

test("a share whose slot ends as it comes leaves no permit behind that a later block would not stop", async (t) => {
  const shares = [0.001, 60_000, 60_000].map((spend_within_ms) => ({ granted: 1, spend_within_ms, wait_ms: 0 }));
  let draws = 0;
  const db: Queryable = { query: () => Promise.resolve({ rows: [shares[draws++]] }) };
  const gate = new QuotaGate(db, "mono");
  await gate.permit(true);
  t.is(draws, 2, "the first share was lost with its slot");
  await gate.permit(true);
  t.is(draws, 3);
});

test("who comes at the very moment at which a block refuses the others is not left waiting", async (t) => {
  for (let turns = 0; turns < 40; turns += 1) {
    const answers = [
      { granted: 0, spend_within_ms: 0, wait_ms: 60_000 },
      { granted: 1, spend_within_ms: 60_000, wait_ms: 0 },
    ];
    const blocked = Promise.withResolvers<void>();
    const db: Queryable = {
      query: () => {
        blocked.resolve();
        return Promise.resolve({ rows: [answers.shift()] });
      },
    };
    const gate = new QuotaGate(db, "mono");
    const refused = t.throwsAsync(gate.permit(false), { instanceOf: QuotaWaitError });
    await blocked.promise;
    for (let turn = 0; turn < turns; turn += 1) await new Promise((next) => setImmediate(next));
    await Promise.allSettled([refused, gate.permit(true)]);
  }
  t.pass();
});
