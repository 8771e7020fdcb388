import test, { type ExecutionContext } from "ava";
import { startStubServer, type StubReply, type StubRequest } from "../../@http/testing/stub_server.ts";
import type { LeasedAccount, PlatformState, Window } from "../../@sync/platform.ts";
import { kinds, lastState, leasedAccount, rowsOf, run, stepsOf, testContext } from "../testing/runs.ts";
import { createMonoPlatform } from "./platform.ts";

const KEY = "test_sk_abcdefghijkl12345678";
const NOW = "2026-01-31T12:00:00.000Z";
const JANUARY: Window = { source: "mono", from: "2026-01-01", to: "2026-01-31" };
const DECEMBER: Window = { source: "mono", from: "2025-12-01", to: "2025-12-31" };
const NOVEMBER: Window = { source: "mono", from: "2025-11-01", to: "2025-11-30" };

const FINISHED = { "x-job-id": "job-1", "x-job-status": "FINISHED" };

const row = (id: string, extra: object = {}) => ({
  id,
  narration: "NIP TRANSFER TO ADA",
  amount: 500_000,
  type: "debit",
  balance: 1_500_000,
  date: "2026-01-10T00:02:00.500Z",
  category: "unknown",
  ...extra,
});

function page(
  rows: unknown[] | null,
  extra: { headers?: Record<string, string>; meta?: object; message?: string } = {},
): StubReply {
  const {
    headers = {},
    meta = { total: rows?.length ?? 0, page: 1, previous: null, next: null },
    message = "ok",
  } = extra;
  return { headers, json: { status: "successful", message, data: rows, meta } };
}

function details(dataStatus = "AVAILABLE", meta: object = {}): StubReply {
  return {
    json: {
      status: "successful",
      message: "ok",
      data: {
        account: { id: "account-1", currency: "NGN", balance: 2_296_700, bvn: null },
        meta: { data_status: dataStatus, retrieved_data: ["identity", "balance", "transactions"], ...meta },
      },
    },
  };
}

const job = (status: string, extra: object = {}): StubReply => ({
  json: { status: "successful", message: "Job execution", data: { id: "job-1", status, ...extra } },
});

type Answers = {
  transactions?: (request: StubRequest) => StubReply;
  details?: () => StubReply;
  job?: () => StubReply;
  institutions?: () => StubReply;
};

async function setUp(t: ExecutionContext, answers: Answers) {
  const stub = await startStubServer((request) => {
    if (request.path === "/v3/institutions")
      return (answers.institutions ?? (() => ({ json: { status: "successful", data: [] } })))();
    if (request.path === "/v2/accounts/account-1") return (answers.details ?? details)();
    if (request.path.startsWith("/v2/accounts/account-1/jobs/")) return (answers.job ?? (() => job("finished")))();
    return (answers.transactions ?? (() => page([row("a")], { headers: FINISHED })))(request);
  });
  const platform = createMonoPlatform({ baseUrl: stub.url, secretKey: KEY, deadlineMs: 2_000 });
  t.teardown(async () => {
    await platform.close();
    await stub.close();
  });
  const context = testContext(NOW);
  return {
    stub,
    platform,
    context,
    sync: (given: Partial<LeasedAccount> = {}) =>
      run(platform, leasedAccount("mono", { windows: [JANUARY], ...given }), context),
    /** Requests since the last look, as short words. */
    asked: () =>
      stub.requests.splice(0).map(({ path, query, headers }) => {
        const what = path.split("/").at(-1) ?? "";
        if (what !== "transactions") return what === "account-1" ? "details" : what;
        const asks = headers["x-realtime"] === "true" ? " refresh" : "";
        return `${query["start"]}..${query["end"]} p${query["page"]}${asks}`;
      }),
  };
}

async function settledState(sync: (given?: Partial<LeasedAccount>) => ReturnType<typeof run>): Promise<PlatformState> {
  const { steps, failure } = await sync();
  if (failure !== null) throw new Error(failure.message);
  return lastState(steps);
}

test("a first sync refreshes, reads the details once, and settles", async (t) => {
  const { sync, asked, stub } = await setUp(t, {});
  const { steps, failure } = await sync();
  t.is(failure, null);
  t.is(stub.requests[0]?.headers["mono-sec-key"], KEY);
  t.is(stub.requests[0]?.query["limit"], "100");
  t.deepEqual(asked(), ["31-12-2025..31-01-2026 p1 refresh", "details"]);
  t.deepEqual(kinds(steps), ["balance", "data_as_of", "page", "state"]);
  t.deepEqual(steps[0], { kind: "balance", amount: "22967.00", currency: "NGN", asOf: NOW });
  t.deepEqual(steps[1], { kind: "data_as_of", asOf: NOW });
  t.deepEqual(steps[2], {
    kind: "page",
    window: JANUARY,
    page: 1,
    rows: [
      {
        id: "a",
        status: "posted",
        direction: "debit",
        amount: "5000.00",
        currency: "NGN",
        occurredAt: "2026-01-10T00:02:00.500Z",
        occurredOn: "2026-01-10",
        narration: "NIP TRANSFER TO ADA",
        category: null,
        balanceAfter: "15000.00",
        counterparty: null,
      },
    ],
    refused: [],
    complete: { ids: ["a"], settles: true },
  });
});

test("a quiet sync is one request, and settles all the same", async (t) => {
  const { sync, asked, context } = await setUp(t, {});
  const state = await settledState(sync);
  asked();
  context.advance(86_400);
  const { steps } = await sync({ state });
  t.deepEqual(asked(), ["31-12-2025..31-01-2026 p1 refresh"]);
  t.deepEqual(kinds(steps), ["data_as_of", "page", "state"]);
  t.deepEqual(stepsOf(steps, "page")[0]?.complete, { ids: ["a"], settles: true });
});

test("after a week of quiet the details are looked at again", async (t) => {
  const { sync, asked, context } = await setUp(t, {});
  const state = await settledState(sync);
  asked();
  context.advance(7 * 86_400 - 1);
  await sync({ state });
  t.is(asked().length, 1);
  context.advance(1);
  await sync({ state });
  t.deepEqual(asked().slice(1), ["details"]);
});

test("news bring the balance, and are not forgotten when the run breaks off", async (t) => {
  let answer = details();
  const { sync, asked } = await setUp(t, {
    transactions: () => page([row("a")], { headers: { ...FINISHED, "x-has-new-data": "true" } }),
    details: () => answer,
  });
  const state = await settledState(sync);
  asked();
  answer = { status: 500, json: { status: "failed", message: "oops", data: null } };
  const broken = await sync({ state });
  t.is(broken.failure?.kind, "transient");
  t.is(lastState(broken.steps, state)["completeAt"], null);
  answer = details();
  t.deepEqual(kinds((await sync({ state })).steps), ["state", "balance", "data_as_of", "page", "state"]);
});

test("other windows are read from the cache: a refresh costs money", async (t) => {
  const { sync, asked } = await setUp(t, {
    transactions: ({ headers }) => page([row("a")], headers["x-realtime"] === "true" ? { headers: FINISHED } : {}),
  });
  const { steps } = await sync({ windows: [NOVEMBER, DECEMBER, JANUARY] });
  t.deepEqual(asked(), [
    "31-12-2025..31-01-2026 p1 refresh",
    "details",
    "31-10-2025..30-11-2025 p1",
    "30-11-2025..31-12-2025 p1",
  ]);
  t.deepEqual(
    stepsOf(steps, "page").map(({ window }) => window),
    [JANUARY, NOVEMBER, DECEMBER],
  );
  t.true(stepsOf(steps, "page").every(({ complete }) => complete?.settles));
});

test("pages follow the number in a next URL that works for nobody", async (t) => {
  const { sync, asked } = await setUp(t, {
    transactions: ({ query }) => {
      const at = Number(query["page"]);
      const next = at < 3 ? `https://api.withmono.com/v2/account-1/transactions?page=${at + 1}` : null;
      return page([row(`r${at}`)], { headers: at === 1 ? FINISHED : {}, meta: { total: 3, page: at, next } });
    },
  });
  const { steps } = await sync();
  t.deepEqual(asked(), [
    "31-12-2025..31-01-2026 p1 refresh",
    "details",
    "31-12-2025..31-01-2026 p2",
    "31-12-2025..31-01-2026 p3",
  ]);
  t.deepEqual(stepsOf(steps, "page").at(-1)?.complete, { ids: ["r1", "r2", "r3"], settles: true });
});

test("a next URL that leads backwards or nowhere ends the run", async (t) => {
  for (const next of [
    "https://api.withmono.com/v2/account-1/transactions?page=1",
    "?page=x",
    "https://api.withmono.com/",
    "?page=7",
  ]) {
    const { sync } = await setUp(t, {
      transactions: () => page([row("a")], { headers: FINISHED, meta: { total: 3, page: 1, next } }),
    });
    t.is((await sync()).failure?.code, "paging", next);
  }
});

test("a window that starts over asks for no second refresh", async (t) => {
  let shifts = 1;
  const { sync, asked } = await setUp(t, {
    transactions: ({ query }) => {
      const isSecond = query["page"] === "2";
      const total = isSecond && shifts-- > 0 ? 3 : 2;
      return page([row(isSecond ? "b" : "a")], {
        headers: isSecond ? {} : FINISHED,
        meta: { total, next: isSecond ? null : "?page=2" },
      });
    },
  });
  const { steps, failure } = await sync();
  t.is(failure, null);
  t.deepEqual(
    asked().map((request) => request.split(" ").slice(1).join(" ")),
    ["p1 refresh", "", "p2", "p1", "p2"],
  );
  t.deepEqual(stepsOf(steps, "page").at(-1)?.complete?.ids, ["a", "b"]);
});

test("while the bank is busy the run waits without a worker: 20 s, 40 s, 60 s", async (t) => {
  let status = "processing";
  const { sync, asked, context } = await setUp(t, {
    transactions: ({ headers }) =>
      page([row("a")], {
        headers: headers["x-realtime"] === "true" ? { "x-job-id": "job-1", "x-job-status": "processing" } : {},
      }),
    job: () => job(status),
  });
  let told = await sync();
  const waits: unknown[] = [];
  for (let resumption = 0; resumption < 3; resumption += 1) {
    const suspend = told.steps.at(-1);
    if (suspend?.kind !== "suspend") return t.fail("the run did not wait");
    waits.push(Date.parse(suspend.until) - context.now().getTime());
    t.deepEqual(kinds(told.steps), ["suspend"], "nothing is told of data that may be half there");
    context.set(suspend.until);
    if (resumption === 2) status = "finished";
    told = await sync({ resumed: true, state: suspend.state });
  }
  t.deepEqual(waits, [20_000, 40_000, 60_000]);
  t.deepEqual(asked(), [
    "31-12-2025..31-01-2026 p1 refresh",
    "job-1",
    "job-1",
    "job-1",
    "details",
    "31-12-2025..31-01-2026 p1",
  ]);
  t.deepEqual(kinds(told.steps), ["balance", "data_as_of", "page", "state"]);
  t.deepEqual(stepsOf(told.steps, "data_as_of")[0]?.asOf, NOW, "the data is as old as the refresh's beginning");
  t.true(stepsOf(told.steps, "page")[0]?.complete?.settles);
});

test("after five minutes the cache is read as it is, for what it last spoke for", async (t) => {
  const { sync, context } = await setUp(t, {
    transactions: ({ headers }) =>
      page([row("a")], {
        headers: headers["x-realtime"] === "true" ? { "x-job-id": "job-2", "x-job-status": "processing" } : {},
      }),
    job: () => job("processing"),
  });
  for (const dataAsOf of [null, "2026-01-30T12:00:00.000Z"]) {
    context.set(NOW);
    const before = { jobId: "job-1", jobStartedAt: dataAsOf, waits: 0, dataAsOf, completeAt: null, newestTotal: null };
    const first = await sync({ state: before });
    context.advance(300);
    const { steps, failure } = await sync({ resumed: true, state: lastState(first.steps) });
    t.is(failure, null);
    t.deepEqual(
      stepsOf(steps, "data_as_of").map(({ asOf }) => asOf),
      dataAsOf === null ? [] : [dataAsOf],
    );
    t.is(stepsOf(steps, "page")[0]?.complete?.settles, dataAsOf !== null, "without a finished refresh nothing settles");
  }
});

test("the last wait ends where patience ends", async (t) => {
  const { sync, context } = await setUp(t, { job: () => job("processing") });
  const state = { jobId: "job-1", jobStartedAt: NOW, waits: 4, dataAsOf: null, completeAt: null, newestTotal: null };
  context.advance(290);
  const { steps } = await sync({ resumed: true, state });
  t.deepEqual(
    stepsOf(steps, "suspend").map(({ until }) => until),
    ["2026-01-31T12:05:00.000Z"],
  );
});

test("an enqueued answer without data waits as well, and is asked for again within its session", async (t) => {
  let isReady = false;
  const message = "Account transaction sync is enqueued, please try again once notified via webhook";
  const { sync, asked, context } = await setUp(t, {
    transactions: () => (isReady ? page([row("a")], { headers: FINISHED }) : page(null, { message })),
  });
  const first = await sync();
  t.deepEqual(kinds(first.steps), ["suspend"]);
  isReady = true;
  context.advance(20);
  const second = await sync({ resumed: true, state: lastState(first.steps) });
  t.deepEqual(asked(), ["31-12-2025..31-01-2026 p1 refresh", "31-12-2025..31-01-2026 p1 refresh", "details"]);
  t.is(stepsOf(second.steps, "data_as_of")[0]?.asOf, NOW);
});

test("a refresh that Mono had already begun speaks for its own beginning", async (t) => {
  const { sync, context } = await setUp(t, {});
  const state = await settledState(sync);
  context.advance(240);
  const { steps } = await sync({ state });
  t.is(stepsOf(steps, "data_as_of")[0]?.asOf, NOW);
});

test("a failed refresh: whose turn it is, is told by the job or the account", async (t) => {
  const failing = { "x-job-id": "job-1", "x-job-status": "failed" };
  const cases: [string, Answers, string, string][] = [
    [
      "account",
      { details: () => details("AVAILABLE", { sync_status: "REAUTHORISATION_REQUIRED" }) },
      "auth_required",
      "REAUTHORISATION_REQUIRED",
    ],
    ["nobody", {}, "transient", "REFRESH_FAILED_AVAILABLE"],
    ["nobody, bank down", { details: () => details("UNAVAILABLE") }, "transient", "REFRESH_FAILED_UNAVAILABLE"],
  ];
  for (const [what, answers, kind, code] of cases) {
    const { sync } = await setUp(t, { transactions: () => page([row("a")], { headers: failing }), ...answers });
    const { steps, failure } = await sync();
    t.like(failure, { kind, code }, what);
    t.deepEqual(kinds(steps), ["state"], what);
  }
  const { sync } = await setUp(t, { job: () => job("failed", { sync_status: "REAUTHORISATION_REQUIRED" }) });
  const state = { jobId: "job-1", jobStartedAt: NOW, waits: 1, dataAsOf: null, completeAt: NOW, newestTotal: 1 };
  const { steps, failure } = await sync({ resumed: true, state });
  t.is(failure?.kind, "auth_required");
  t.is(lastState(steps)["completeAt"], null, "what follows a renewed consent is looked at closely");
});

test("days settle only on data that Mono calls complete", async (t) => {
  const cases: [string, object, boolean][] = [
    ["AVAILABLE", {}, true],
    ["available", { retrieved_data: null }, true],
    ["PARTIAL", { retrieved_data: ["transactions"] }, true],
    ["PARTIAL", { retrieved_data: ["identity", "balance"] }, false],
    ["UNAVAILABLE", {}, false],
    ["FAILED", {}, false],
    ["SOMETHING_NEW", {}, false],
  ];
  for (const [status, meta, settles] of cases) {
    const { sync } = await setUp(t, { details: () => details(status, meta) });
    const { steps, failure } = await sync();
    t.is(failure, null, status);
    t.is(rowsOf(steps).length, 1, `${status}: rows are told all the same`);
    t.is(stepsOf(steps, "page")[0]?.complete?.settles, settles, status);
  }
});

test("an account that only gives its balance succeeds without a list", async (t) => {
  const { sync, asked } = await setUp(t, {
    transactions: () => page([], { headers: FINISHED }),
    details: () => details("PARTIAL", { retrieved_data: ["identity", "balance"] }),
  });
  const { steps, failure } = await sync({ windows: [DECEMBER, JANUARY] });
  t.is(failure, null);
  t.deepEqual(kinds(steps), ["balance", "data_as_of", "state"]);
  t.is(asked().length, 2);
});

test("nothing at all while Mono is still processing settles nothing", async (t) => {
  const { sync, context } = await setUp(t, {
    transactions: () => ({ headers: FINISHED, json: { status: "successful", message: "ok", data: [] } }),
    details: () => details("PROCESSING", { retrieved_data: [] }),
  });
  const first = await sync();
  t.deepEqual(kinds(first.steps), ["suspend"]);
  context.advance(300);
  const second = await sync({ resumed: true, state: lastState(first.steps) });
  t.is(second.failure, null);
  t.true(stepsOf(second.steps, "page").every(({ complete }) => complete === null || !complete.settles));
  t.deepEqual(stepsOf(second.steps, "data_as_of"), []);
});

test("a list that is suddenly empty is not believed before the account's details confirm it", async (t) => {
  let rows: unknown[] = [row("a")];
  let status = "AVAILABLE";
  const { sync, asked, context } = await setUp(t, {
    transactions: () => page(rows, { headers: FINISHED }),
    details: () => details(status),
  });
  let state = await settledState(sync);
  asked();
  rows = [];
  status = "PROCESSING";
  t.deepEqual(kinds((await sync({ state })).steps), ["state", "suspend"]);
  status = "AVAILABLE";
  asked();
  const confirmed = await sync({ state });
  t.deepEqual(asked(), ["31-12-2025..31-01-2026 p1 refresh", "details", "31-12-2025..31-01-2026 p1"]);
  t.true(stepsOf(confirmed.steps, "page")[0]?.complete?.settles);
  state = lastState(confirmed.steps);
  context.advance(86_400);
  await sync({ state });
  t.is(asked().length, 1, "an account that stays empty is quiet too");
});

test("an empty list is not believed where Mono was still processing as it was read", async (t) => {
  // Before AVAILABLE a list is empty (Mono docs); here Mono is busy for the answers in between and says so to nobody.
  let busy = 0;
  const { sync, asked } = await setUp(t, {
    transactions: (request) => {
      const isDecember = request.query["start"] === "30-11-2025";
      if (isDecember && busy++ === 0) return page([]);
      return page(isDecember ? [row("b", { date: "2025-12-10T10:00:00.000Z" })] : [row("a")], { headers: FINISHED });
    },
  });
  const { steps } = await sync({ windows: [DECEMBER, JANUARY] });
  t.deepEqual(asked(), [
    "31-12-2025..31-01-2026 p1 refresh",
    "details",
    "30-11-2025..31-12-2025 p1",
    "details",
    "30-11-2025..31-12-2025 p1",
  ]);
  t.deepEqual(
    stepsOf(steps, "page").map(({ complete }) => complete?.ids),
    [["a"], ["b"]],
  );
});

test("a list that becomes empty while its pages are read is not believed either", async (t) => {
  const meta = { total: 2, page: 1, previous: null, next: "https://api.withmono.com/v2/x/transactions?page=2" };
  let read = 0;
  const { sync, asked } = await setUp(t, {
    transactions: () => {
      read += 1;
      if (read === 1) return page([row("a")], { headers: FINISHED, meta });
      // The second page, and the first of the next reading, while Mono is busy.
      return read <= 3 ? page([]) : page([row("a"), row("b")]);
    },
  });
  const { steps } = await sync();
  t.deepEqual(asked().slice(-2), ["details", "31-12-2025..31-01-2026 p1"]);
  t.deepEqual(stepsOf(steps, "page").at(-1)?.complete, { ids: ["a", "b"], settles: true });
  t.true(stepsOf(steps, "page").every(({ complete }) => complete === null || complete.ids.length > 0));
});

test("an empty list that stays empty is believed, however many windows, for one more look at the details", async (t) => {
  const { sync, asked } = await setUp(t, {
    transactions: (request) =>
      request.query["end"] === "31-01-2026" ? page([row("a")], { headers: FINISHED }) : page([]),
  });
  const { steps } = await sync({ windows: [NOVEMBER, DECEMBER, JANUARY] });
  t.is(asked().filter((what) => what === "details").length, 2);
  t.deepEqual(
    stepsOf(steps, "page").map(({ window, complete }) => [window.from, complete?.settles]),
    [
      ["2026-01-01", true],
      ["2025-11-01", true],
      ["2025-12-01", true],
    ],
  );
});

test("an empty list settles nothing where Mono says, when asked again, that it has no transactions yet", async (t) => {
  let looks = 0;
  const { sync } = await setUp(t, {
    transactions: (request) =>
      request.query["end"] === "31-01-2026" ? page([row("a")], { headers: FINISHED }) : page([]),
    details: () => details(looks++ === 0 ? "AVAILABLE" : "PROCESSING"),
  });
  const { steps } = await sync({ windows: [DECEMBER, JANUARY] });
  t.deepEqual(
    stepsOf(steps, "page").map(({ complete }) => complete?.settles),
    [true, false],
  );
});

test("`data: null` without a word of waiting is no answer", async (t) => {
  for (const headers of [FINISHED, {}]) {
    const { sync } = await setUp(t, { transactions: () => page(null, { headers }) });
    t.like((await sync()).failure, { kind: "invalid_response", code: "unexpected_shape" });
  }
});

test("a reply that knows nothing of refreshes is the cache as it was", async (t) => {
  const { sync } = await setUp(t, { transactions: () => page([row("a")]) });
  const { steps } = await sync();
  t.is(stepsOf(steps, "page")[0]?.complete?.settles, false);
  t.deepEqual(stepsOf(steps, "data_as_of"), []);
  const state = {
    jobId: null,
    jobStartedAt: null,
    waits: 0,
    dataAsOf: "2026-01-30T12:00:00.000Z",
    completeAt: null,
    newestTotal: null,
  };
  const known = await sync({ state });
  t.is(stepsOf(known.steps, "data_as_of")[0]?.asOf, "2026-01-30T12:00:00.000Z");
});

test("memory of another make is forgotten, not feared", async (t) => {
  const { sync, asked } = await setUp(t, {});
  t.is((await sync({ state: { jobId: 7, something: "else" } })).failure, null);
  t.is(asked().length, 2);
});

test("nothing due, nothing asked", async (t) => {
  const { sync, asked } = await setUp(t, {});
  t.deepEqual((await sync({ windows: [] })).steps, []);
  t.deepEqual(asked(), []);
});
