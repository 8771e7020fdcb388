import test from "ava";
import { z } from "zod";
import type { Queryable } from "../../db/queryable.ts";
import { createMemoryTokens } from "./memory_tokens.ts";
import type { IncomingTransaction, LeasedAccount, Platform, SyncFailure, SyncStep } from "./platform.ts";
import { coalescedVerbs } from "./run_verbs.ts";
import { syncAccount, type SyncOutcome } from "./sync_account.ts";
import { type Item, stubVerbs, type StubbedVerbs, type VerbName } from "./testing/stub_verbs.ts";

const lease = { accountId: "8f2d4b6e-1c3a-4e5f-9a7b-0d1e2f3a4b5c", runId: "7", epoch: 2 };
const account: LeasedAccount = {
  ...lease,
  platform: "mono",
  externalId: "697926f050b9c321c1451dda",
  currency: "NGN",
  baseUrl: "https://provider.example",
  targetEnvironment: null,
  resumed: false,
  mayRefresh: true,
  state: {},
  windows: [],
  openReferences: [],
  credentials: {},
};
const now = new Date("2026-02-10T09:00:00.000Z");
const dataAsOf: SyncStep = { kind: "data_as_of", asOf: "2026-02-10T08:30:00.000Z" };
const january = { source: "mono", from: "2026-01-01", to: "2026-01-31" } as const;
const february = { source: "mono", from: "2026-02-01", to: "2026-02-10" } as const;

const row = (id: string): IncomingTransaction => ({
  id,
  status: "posted",
  direction: "credit",
  amount: "12.50",
  currency: "NGN",
  occurredAt: "2026-01-05T10:00:00.000Z",
  occurredOn: "2026-01-05",
  narration: null,
  category: null,
  balanceAfter: null,
  counterparty: null,
});

type PageStep = Extract<SyncStep, { kind: "page" }>;

const page = (number: number, ids: string[], more: Partial<PageStep> = {}): PageStep => ({
  kind: "page",
  window: january,
  page: number,
  rows: ids.map(row),
  refused: [],
  complete: null,
  ...more,
});

const complete = (ids: string[]) => ({ ids, settles: true });

const ok = () => [{ account_id: lease.accountId, outcome: "ok" }];
const lost = () => [{ account_id: lease.accountId, outcome: "lost" }];
const saved = (counts: { new_count?: number; deferred?: string[]; outcome?: string } = {}) => [
  { outcome: "ok", new_count: 0, changed_count: 0, unchanged_count: 0, removed_count: 0, deferred: [], ...counts },
];
const works: StubbedVerbs = {
  save_transactions: () => saved(),
  finish_syncs: ok,
  suspend_syncs: ok,
  record_sync_failures: ok,
};

const explained: SyncFailure = { kind: "transient", message: "It broke.", code: "boom", retryAt: null };

type Told = {
  outcome: Promise<SyncOutcome>;
  /** What was asked of the database and what the platform did, in order. */
  events: string[];
  asked: { verb: VerbName; item: Item }[];
};

/** Runs the account over a platform that tells these steps. */
function run(
  steps: Iterable<SyncStep>,
  options: { verbs?: Partial<StubbedVerbs>; stopping?: AbortSignal; explain?: Platform["explain"] } = {},
): Told {
  const events: string[] = [];
  const asked: Told["asked"] = [];
  const db = stubVerbs({ ...works, ...options.verbs }, (verb, items) => {
    events.push(verb);
    for (const item of items) asked.push({ verb, item });
  });
  let requests = 0;
  const platform: Platform = {
    name: "mono",
    async *sync(_, context) {
      try {
        for (const step of steps) {
          await context.permit();
          events.push(`tells ${step.kind}`);
          yield await Promise.resolve(step);
        }
      } finally {
        if (context.signal.aborted) events.push("platform gives up what is on its way");
        events.push("platform ends");
      }
    },
    explain: options.explain ?? (() => Promise.resolve(explained)),
    close: () => Promise.resolve(),
  };
  const stopping = options.stopping ?? new AbortController().signal;
  const outcome = syncAccount(account, {
    verbs: coalescedVerbs(db),
    platform,
    context: {
      now: () => now,
      signal: stopping,
      stopping,
      tokens: createMemoryTokens(() => now),
      renewKey: () => Promise.resolve(null),
      permit: () => {
        requests += 1;
        return Promise.resolve();
      },
      requests: () => requests,
    },
  });
  return { outcome, events, asked };
}

const itemsOf = (told: Told, verb: VerbName) => told.asked.filter((call) => call.verb === verb).map(({ item }) => item);

const withRows = z.object({ rows: z.array(z.object({ id: z.string() })) });
const rowIds = (item: Item | undefined): string[] => withRows.parse(item).rows.map(({ id }) => id);

test("each step is written before the next is taken, and the end is told last", async (t) => {
  const told = run([
    page(1, ["a"]),
    page(2, ["b"]),
    { kind: "balance", amount: "100.00", currency: "NGN", asOf: now.toISOString() },
    { kind: "state", state: { jobId: "j1" } },
  ]);
  t.is((await told.outcome).kind, "success");
  t.deepEqual(told.events, [
    "tells page",
    "save_transactions",
    "tells page",
    "save_transactions",
    "tells balance",
    "tells state",
    "platform ends",
    "finish_syncs",
  ]);
  t.like(itemsOf(told, "finish_syncs")[0], {
    ...lease,
    state: { jobId: "j1" },
    balance: "100.00",
    balanceAsOf: now.toISOString(),
  });
});

test("a page carries its lease, its window and exact money", async (t) => {
  const told = run([dataAsOf, page(1, ["a"], { complete: complete(["a"]) })]);
  await told.outcome;
  t.deepEqual(itemsOf(told, "save_transactions"), [
    {
      ...lease,
      source: "mono",
      page: 1,
      from: "2026-01-01",
      to: "2026-01-31",
      rows: [row("a")],
      complete: { ids: ["a"], settles: true, asOf: "2026-02-10T08:30:00.000Z" },
    },
  ]);
});

test("the log counts what was looked at", async (t) => {
  const told = run(
    [
      page(1, ["a", "b"], { refused: ["missing_id"] }),
      page(2, ["c"], { complete: complete(["a", "b", "c"]) }),
      page(1, [], { window: february, refused: ["missing_id", "inexact_amount"] }),
      { kind: "references", rows: [row("r")], refused: [], polled: [{ referenceId: "r", outcome: "settled" }] },
    ],
    { verbs: { save_transactions: () => saved({ new_count: 1 }) } },
  );
  const outcome = await told.outcome;
  t.like(outcome, { kind: "success", tally: { fresh: 4 } });
  t.like(itemsOf(told, "finish_syncs")[0], {
    log: {
      pages: 3,
      seen: 7,
      requests: 4,
      refusals: { missing_id: 2, inexact_amount: 1 },
      windows: [
        { ...january, pages: 2, complete: true },
        { ...february, pages: 1, complete: false },
      ],
    },
  });
});

test("references are saved without a window, with what polling found", async (t) => {
  const polled = [{ referenceId: "r", outcome: "open" as const }];
  const told = run([{ kind: "references", rows: [], refused: [], polled }]);
  await told.outcome;
  t.like(itemsOf(told, "save_transactions")[0], {
    source: "collections",
    from: null,
    to: null,
    complete: null,
    polled,
  });
});

test("a complete page settles nothing before the platform said what moment its data speaks for", async (t) => {
  const told = run([
    page(1, ["a"], { complete: complete(["a"]) }),
    dataAsOf,
    page(1, ["b"], { window: february, complete: complete(["b"]) }),
  ]);
  await told.outcome;
  const [before, after] = itemsOf(told, "save_transactions");
  t.like(before, { complete: { settles: false } });
  t.like(after, { complete: { settles: true, asOf: "2026-02-10T08:30:00.000Z" } });
});

test("deferred rows are handed in again with their window's last page, and only there", async (t) => {
  const told = run(
    [
      dataAsOf,
      page(1, ["a", "b"]),
      page(1, ["x"], { window: february }),
      page(2, ["c"]),
      page(3, ["d"], { complete: complete(["a", "b", "c", "d"]) }),
      page(2, ["y"], { window: february, complete: complete(["x", "y"]) }),
    ],
    {
      verbs: {
        save_transactions: ([item]) => saved({ deferred: rowIds(item).filter((id) => id === "b" || id === "c") }),
      },
    },
  );
  await told.outcome;
  t.deepEqual(itemsOf(told, "save_transactions").map(rowIds), [["a", "b"], ["x"], ["c"], ["b", "c", "d"], ["y"]]);
});

test("a window that is read again forgets what its first reading deferred", async (t) => {
  const told = run([dataAsOf, page(1, ["a"]), page(1, ["b"]), page(2, ["c"], { complete: complete(["b", "c"]) })], {
    verbs: { save_transactions: ([item]) => saved({ deferred: rowIds(item) }) },
  });
  await told.outcome;
  t.deepEqual(itemsOf(told, "save_transactions").map(rowIds), [["a"], ["b"], ["b", "c"]]);
});

test("nothing follows a suspension: the platform is ended, and no run is finished", async (t) => {
  const told = run([
    page(1, ["a"]),
    { kind: "suspend", until: "2026-02-10T09:00:20.000Z", state: { jobId: "j1" } },
    page(2, ["b"]),
  ]);
  t.deepEqual(await told.outcome, { kind: "suspended", until: "2026-02-10T09:00:20.000Z" });
  t.deepEqual(told.events, ["tells page", "save_transactions", "tells suspend", "suspend_syncs", "platform ends"]);
  t.deepEqual(itemsOf(told, "suspend_syncs"), [
    { ...lease, until: "2026-02-10T09:00:20.000Z", state: { jobId: "j1" } },
  ]);
});

const losses: [string, SyncStep[], Partial<StubbedVerbs>][] = [
  ["saving", [page(1, ["a"]), page(2, ["b"])], { save_transactions: () => saved({ outcome: "lost" }) }],
  ["finishing", [dataAsOf], { finish_syncs: lost }],
  ["suspending", [{ kind: "suspend", until: now.toISOString(), state: {} }], { suspend_syncs: lost }],
];
for (const [when, steps, verbs] of losses) {
  test(`a lease found lost while ${when} ends the run, and nothing is written after`, async (t) => {
    const told = run(steps, { verbs });
    t.deepEqual(await told.outcome, { kind: "lost" });
    const written = told.events.filter((event) => !/^tells|^platform/.test(event));
    t.is(written.length, 1, written.join(", "));
    // What is asked for and not answered yet would keep the job.
    const endings = told.events.filter((event) => event.startsWith("platform"));
    t.deepEqual(endings, [...(when === "finishing" ? [] : ["platform gives up what is on its way"]), "platform ends"]);
  });
}

function* breaks(...steps: SyncStep[]): Generator<SyncStep> {
  yield* steps;
  throw new Error("the provider's own error");
}

test("what the provider throws becomes a recorded failure and a normal return", async (t) => {
  const told = run(breaks({ kind: "state", state: { jobId: "j1" } }, page(1, ["a"])), {
    explain: (thrown) => Promise.resolve({ ...explained, code: thrown instanceof Error ? thrown.message : null }),
  });
  t.like(await told.outcome, { kind: "failed", failure: { kind: "transient" } });
  t.like(itemsOf(told, "record_sync_failures")[0], {
    ...lease,
    kind: "transient",
    message: "It broke.",
    code: "the provider's own error",
    state: { jobId: "j1" },
    log: { pages: 1, seen: 1, requests: 2 },
  });
  t.false(told.events.includes("finish_syncs"));
});

test("a failure whose lease is lost is recorded by nobody", async (t) => {
  const told = run(breaks(), { verbs: { record_sync_failures: lost } });
  t.deepEqual(await told.outcome, { kind: "lost" });
});

test("while the worker stops, whatever broke is an interruption, and nobody is asked to explain it", async (t) => {
  const explain = () => Promise.reject(new Error("nobody asks"));
  const told = run(breaks(page(1, ["a"])), { stopping: AbortSignal.abort(), explain });
  t.like(await told.outcome, { kind: "failed", failure: { kind: "interrupted" } });
  t.like(itemsOf(told, "record_sync_failures")[0], { kind: "interrupted", retryAt: null });
});

test("an error of our own database is thrown as it is, never told as the provider's", async (t) => {
  const gone = new Error("terminating connection due to administrator command");
  const explain = () => Promise.reject(new Error("the provider is not asked"));
  const failing: Queryable = { query: () => Promise.reject(gone) };
  const outcome = syncAccount(account, {
    verbs: coalescedVerbs(failing),
    platform: {
      name: "mono",
      async *sync() {
        yield await Promise.resolve(page(1, ["a"]));
      },
      explain,
      close: () => Promise.resolve(),
    },
    context: {
      now: () => now,
      signal: new AbortController().signal,
      stopping: new AbortController().signal,
      tokens: createMemoryTokens(() => now),
      renewKey: () => Promise.resolve(null),
      permit: () => Promise.resolve(),
      requests: () => 0,
    },
  });
  t.is(await t.throwsAsync(outcome), gone);
});

test("a balance in another currency than the account's is not taken over", async (t) => {
  const told = run([{ kind: "balance", amount: "1.00", currency: "USD", asOf: now.toISOString() }]);
  await told.outcome;
  t.false("balance" in (itemsOf(told, "finish_syncs")[0] ?? {}));
});
