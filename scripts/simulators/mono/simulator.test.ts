import test from "ava";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { virtualClock } from "../clock.ts";
import { demoAccounts } from "./demo.ts";
import { BadJournal } from "./errors.ts";
import { startMonoSimulator } from "./simulator.ts";
import { call, DAY, NOON_ISH, readPages, refresh, startForTest } from "./test_client.ts";

test("two simulators with one seed give one history, ids included", async (t) => {
  const [a, b, other] = [await startForTest(t), await startForTest(t), await startForTest(t, { seed: 2 })];
  const ids = [a, b, other].map((mono) => mono.createAccount({ perWeek: 20 }));
  t.is(ids[0], ids[1]);
  t.not(ids[0], ids[2]);
  a.moveClock({ advanceMs: 10 * DAY });
  for (let day = 0; day < 10; day += 1) b.moveClock({ advanceMs: DAY });
  t.deepEqual(a.truth(String(ids[0])), b.truth(String(ids[1])));
  t.like(await refresh(a, String(ids[0])), { jobId: (await refresh(b, String(ids[1]))).jobId });
});

test("a shared clock moves all who share it", async (t) => {
  const clock = virtualClock(() => NOON_ISH);
  const [a, b] = [await startForTest(t, { clock }), await startForTest(t, { clock })];
  a.moveClock({ advanceMs: DAY });
  t.is(b.state().now, NOON_ISH + DAY);
});

test("the journal rebuilds the world: rows, ids, jobs, consents, clock", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "mono-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const statePath = join(folder, "mono.jsonl");
  const first = await startMonoSimulator({ seed: "j", now: () => NOON_ISH, statePath });
  const id = first.createAccount({ perWeek: 20 });
  const [top] = first.truth(id).transactions;
  first.changeTransaction(id, String(top?.id), { amount: 12n });
  first.reissueTransaction(id, String(top?.id));
  first.moveClock({ advanceMs: 2 * DAY });
  first.setRealtime(id, { durationMs: 60_000 });
  const { jobId } = await refresh(first, id);
  first.addTransaction(id, { amount: "99999999999999999999", visibleAt: NOON_ISH + 9 * DAY });
  const gone = first.relink(first.createAccount({ perWeek: 3 }));
  first.setConsent(gone, { expired: true });
  const truth = first.truth(id);
  const accounts = first.state().accounts;
  await first.close();

  const second = await startMonoSimulator({ seed: "j", now: () => NOON_ISH, statePath });
  t.teardown(() => second.close());
  t.deepEqual(second.truth(id), truth);
  t.deepEqual(second.state().accounts, accounts);
  t.is(second.events().length, 0);
  t.like((await call(second, `/v2/accounts/${id}/jobs/${jobId}`)).body, { data: { status: "processing" } });
  second.moveClock({ advanceMs: 60_000 });
  t.is(second.cached(id).asOf, NOON_ISH + 2 * DAY);
  second.moveClock({ advanceMs: 8 * DAY });
  t.true(second.truth(id).transactions.some(({ amount }) => amount === 99999999999999999999n));
});

test("a journal of another seed or hand is refused; one cut short by a crash is not", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "mono-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const statePath = join(folder, "mono.jsonl");
  const first = await startMonoSimulator({ seed: 1, statePath });
  const id = first.createAccount();
  await first.close();
  await t.throwsAsync(startMonoSimulator({ seed: 2, statePath }), { instanceOf: BadJournal });
  await writeFile(statePath, `${await readFile(statePath, "utf8")}{"at":1,"act`);
  const second = await startMonoSimulator({ seed: 1, statePath });
  t.is(second.state().accounts[0]?.id, id);
  second.createAccount();
  await second.close();
  const third = await startMonoSimulator({ seed: 1, statePath });
  t.is(third.state().accounts.length, 2);
  await third.close();
  await writeFile(statePath, "something else\n");
  await t.throwsAsync(startMonoSimulator({ seed: 1, statePath }), { instanceOf: BadJournal });
});

test("demo accounts are made once", async (t) => {
  const mono = await startForTest(t);
  const wanted = { name: "Ada Obi", email: "ada@example.com", count: 2 };
  const first = demoAccounts(mono, wanted);
  t.is(new Set(first.map(({ institution }) => institution)).size, 2);
  t.deepEqual(demoAccounts(mono, wanted), first);
  t.is(demoAccounts(mono, { ...wanted, count: 3 }).length, 3);
  for (const { id } of first) t.true((await readPages(mono, id)).length > 0);
});

test("the limit slides, answers 429 with or without Retry-After, and counts", async (t) => {
  const mono = await startForTest(t, { rateLimit: { limit: 3, windowMs: 10_000 } });
  const statuses: number[] = [];
  for (let index = 0; index < 4; index += 1) statuses.push((await call(mono, "/v2/accounts")).status);
  t.deepEqual(statuses, [200, 200, 200, 429]);
  t.is((await call(mono, "/v2/accounts")).headers.get("retry-after"), null);
  mono.setRateLimit({ limit: 3, windowMs: 10_000, retryAfter: "seconds" });
  t.is((await call(mono, "/v2/accounts")).headers.get("retry-after"), "10");
  mono.setRateLimit({ limit: 3, windowMs: 10_000, retryAfter: "date" });
  t.is((await call(mono, "/v2/accounts")).headers.get("retry-after"), "Sat, 10 Oct 2026 09:00:10 GMT");
  t.is(mono.state().breaches, 4);
  mono.moveClock({ advanceMs: 10_000 });
  t.is((await call(mono, "/v2/accounts")).status, 200);
});

test("faults strike the account they are meant for, in Mono's own words", async (t) => {
  const mono = await startForTest(t);
  const [a, b] = [mono.createAccount(), mono.createAccount()];
  mono.addFault({ kind: "401", match: { segment: a } });
  mono.addFault({ kind: "503", match: { segment: a, pattern: "/transactions$" } });
  t.is((await call(mono, `/v2/accounts/${b}`)).status, 200);
  t.like(await call(mono, `/v2/accounts/${a}`), { status: 401, body: { message: "Unauthorized request." } });
  t.like(await call(mono, `/v2/accounts/${a}/transactions`), { status: 503, body: { status: "failed", data: null } });
  t.is((await call(mono, `/v2/accounts/${a}/transactions`)).status, 200);
});

test("a refresh whose answer is lost has started its job all the same", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 40 });
  mono.addFault({ kind: "lost_answer" });
  await t.throwsAsync(refresh(mono, id));
  t.is(mono.state().realtimeSessions, 1);
  mono.addFault({ kind: "cut" });
  await t.throwsAsync(refresh(mono, mono.createAccount()));
  t.is(mono.state().realtimeSessions, 1);
});

test("nextRequest tells when somebody asks", async (t) => {
  const mono = await startForTest(t);
  const [a, b] = [mono.createAccount(), mono.createAccount()];
  const seen = mono.nextRequest({ account: b, path: /\/balance$/ });
  await call(mono, `/v2/accounts/${a}/balance`);
  await call(mono, `/v2/accounts/${b}/balance`);
  t.is((await seen).ordinal, 2);
  t.deepEqual(mono.requests(), { "GET /v2/accounts/:id/balance": 2 });
});

test("everything can be done over the control endpoint, without a key", async (t) => {
  const mono = await startForTest(t);
  const control = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const headers = { "mono-sec-key": "" };
    const answer = await call(mono, `/control${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
    t.is(answer.status, 200, `${method} ${path} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const make = async (path: string, body?: unknown): Promise<string> => {
    const { id } = z.looseObject({ id: z.string() }).parse(await control("POST", path, body));
    return id;
  };
  const id = await make("/accounts", { perWeek: 10, institution: "044" });
  const tx = await make(`/accounts/${id}/transactions`, { amount: 5, date: "2026-10-09T10:00:00.000Z" });
  await control("PATCH", `/accounts/${id}/transactions/${tx}`, { narration: "X" });
  const renamed = await make(`/accounts/${id}/transactions/${tx}/reissue`);
  await control("DELETE", `/accounts/${id}/transactions/${renamed}`);
  await control("POST", `/accounts/${id}/transactions/${renamed}/restore`);
  await control("POST", `/accounts/${id}/consent`, { expired: true });
  await control("POST", `/accounts/${id}/realtime`, { durationMs: "never" });
  await control("POST", `/accounts/${id}/status`, { dataStatus: "PARTIAL", retrievedData: ["balance"] });
  await control("POST", "/institutions/044", { down: true });
  await control("POST", "/clock", { advanceMs: 1_000 });
  await control("POST", "/shift", { account: id, afterPage: 1 });
  await control("POST", "/rate-limit", { limit: 100, windowMs: 1_000 });
  await control("POST", "/rate-limit", null);
  await control("POST", "/webhooks", { mode: "manual" });
  await control("POST", "/webhooks/flush");
  await control("POST", "/faults", { kind: "500" });
  await control("DELETE", "/faults");
  const truth = JSON.stringify(await control("GET", `/truth/${id}`));
  t.true(truth.includes(`{"id":"${renamed}","amount":5,"type":"debit","narration":"X"`));
  t.like(await control("GET", `/truth/${id}?asOf=2026-01-01T00:00:00Z`), { transactions: [] });
  t.like(await control("GET", `/cache/${id}`), { account: id, asOf: null });
  const again = await make(`/accounts/${id}/relink`);
  t.like(await control("GET", "/state"), {
    now: NOON_ISH + 1_000,
    bugs: [],
    accounts: [
      { id, gone: true },
      { id: again, gone: false, bankCode: "044" },
    ],
  });
  await control("POST", "/reset");
  t.like(await control("GET", "/state"), { accounts: [], now: NOON_ISH + 1_000 });
  for (const body of [{ institution: "Bank of Nowhere" }, { perWeeek: 3 }]) {
    t.is((await call(mono, "/control/accounts", { method: "POST", body })).status, 400);
  }
  t.is((await call(mono, "/control/truth/nobody")).status, 404);
});
