import test from "ava";
import { call, DAY, MINUTE, NOON_ISH, pageOf, readPages, refresh, startForTest } from "./test_client.ts";

test("without a refresh the cache never moves; a refresh brings the bank's state", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 40 });
  const linked = await readPages(mono, id);
  mono.moveClock({ advanceMs: 3 * DAY });
  t.deepEqual(await readPages(mono, id), linked);
  const answer = await refresh(mono, id);
  t.is(answer.status, "finished");
  t.is(answer.news, "true");
  // The same reply already serves it.
  t.is(pageOf.parse(answer.body).meta.total, mono.truth(id).transactions.length);
  t.true(mono.truth(id).transactions.length > linked.length);
  t.like(mono.state(), { realtimeSessions: 1, paidRefreshes: 1, chargesKobo: 1_000n });
});

test("nothing new: no header at all, and nothing to pay", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 40 });
  const answer = await refresh(mono, id);
  t.is(answer.status, "finished");
  t.is(answer.news, null);
  t.like(mono.state(), { realtimeSessions: 1, paidRefreshes: 0, chargesKobo: 0n });
});

test("both spellings of the header work, and only when they say true", async (t) => {
  const mono = await startForTest(t);
  for (const [name, value, asks] of [
    ["x-realtime", "true", true],
    ["x-real-time", "TRUE", true],
    ["x-realtime", "false", false],
  ] as const) {
    const id = mono.createAccount({ perWeek: 0 });
    const answer = await call(mono, `/v2/accounts/${id}/balance`, { headers: { [name]: value } });
    t.is(answer.headers.has("x-job-id"), asks);
  }
});

test("the status is spelled in more than one way", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 0 });
  const spellings = new Set<string | null>();
  for (let index = 0; index < 20; index += 1) {
    const answer = await call(mono, `/v2/accounts/${id}/transactions`, { headers: { "x-realtime": "true" } });
    spellings.add(answer.headers.get("x-job-status"));
  }
  t.deepEqual(
    [...spellings].map(String).toSorted((a, b) => a.localeCompare(b, "en", { caseFirst: "upper" })),
    ["FINISHED", "Finished", "finished"],
  );
});

test("one session in five minutes: a repeat gets the same job, for either endpoint", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 500 });
  const first = await refresh(mono, id);
  mono.moveClock({ advanceMs: 5 * MINUTE - 1 });
  const total = pageOf.parse(first.body).meta.total;
  const repeat = await refresh(mono, id);
  t.is(repeat.jobId, first.jobId);
  t.is(pageOf.parse(repeat.body).meta.total, total);
  t.is((await refresh(mono, id, "balance")).jobId, first.jobId);
  mono.moveClock({ advanceMs: 1 });
  t.not((await refresh(mono, id)).jobId, first.jobId);
  t.is(mono.state().realtimeSessions, 2);
});

test("a job takes its time, serves the cache meanwhile, and brings the state of its start", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 0 });
  mono.setRealtime(id, { durationMs: 20_000 });
  mono.addTransaction(id, { amount: 1, narration: "BEFORE" });
  const started = await refresh(mono, id);
  t.is(started.status, "processing");
  t.is(started.news, null);
  t.is(pageOf.parse(started.body).meta.total, 0);
  mono.addTransaction(id, { amount: 2, narration: "MEANWHILE" });
  const poll = async () => (await call(mono, `/v2/accounts/${id}/jobs/${started.jobId}`)).body;
  t.like(await poll(), {
    data: { id: started.jobId, status: "processing", name: "jobs.accounts.sync_statement", account: id },
  });
  mono.moveClock({ advanceMs: 20_000 });
  t.like(await poll(), { message: "Job execution completed", data: { status: "finished" } });
  t.deepEqual(
    (await readPages(mono, id)).map(({ narration }) => narration),
    ["BEFORE"],
  );
  t.is(mono.cached(id).asOf, NOON_ISH);
  t.like(await refresh(mono, id), { jobId: started.jobId, status: "finished", news: "true" });
});

test("some jobs never end; the next session starts another", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 0 });
  mono.setRealtime(id, { durationMs: "never" });
  const { jobId } = await refresh(mono, id);
  mono.moveClock({ advanceMs: 30 * DAY });
  t.like((await call(mono, `/v2/accounts/${id}/jobs/${jobId}`)).body, { data: { status: "processing" } });
  t.not((await refresh(mono, id)).jobId, jobId);
});

test("the older behaviour: 200 with null data while the job is queued", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 20 });
  mono.setRealtime(id, { durationMs: 60_000, legacyEnqueued: true });
  const { body } = await refresh(mono, id);
  t.like(body, { status: "successful", data: null });
  t.regex(JSON.stringify(body), /is enqueued, please try again/);
  t.true((await readPages(mono, id)).length > 0);
  mono.moveClock({ advanceMs: 60_000 });
  t.true(pageOf.parse((await refresh(mono, id)).body).data.length > 0);
});

test("an expired consent, a failing bank, a forced outcome: 200 with a failed job, and the cache stays", async (t) => {
  const mono = await startForTest(t);
  const expired = mono.createAccount({ perWeek: 30, login: "one" });
  const sibling = mono.createAccount({ perWeek: 30, login: "one" });
  const failing = mono.createAccount({ perWeek: 30 });
  const down = mono.createAccount({ perWeek: 30, institution: "011" });
  const fine = mono.createAccount({ perWeek: 30 });
  const before = await readPages(mono, expired);
  mono.setConsent(expired, { expired: true });
  mono.setRealtime(failing, { outcome: "failed" });
  mono.setInstitution("011", { down: true });
  mono.moveClock({ advanceMs: 2 * DAY });
  for (const id of [expired, sibling, failing, down]) t.like(await refresh(mono, id), { status: "failed", news: null });
  t.is((await refresh(mono, fine)).status, "finished");
  t.deepEqual(await readPages(mono, expired), before);
  const told = mono
    .events()
    .filter(({ name }) => name === "mono.events.account_updated")
    .map(({ account, data }) => [account, data["meta"]]);
  t.like(Object.fromEntries(told), {
    [expired]: { sync_status: "REAUTHORISATION_REQUIRED", data_status: "AVAILABLE" },
    [sibling]: { sync_status: "REAUTHORISATION_REQUIRED" },
    [failing]: { sync_status: "FAILED", data_status: "AVAILABLE" },
    [down]: { sync_status: "FAILED" },
    [fine]: { sync_status: "SUCCESSFUL", has_new_data: true },
  });
  t.is(mono.state().paidRefreshes, 1);
});

test("a consent may expire by itself", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 1 });
  mono.setConsent(id, { expiresAt: NOON_ISH + DAY });
  t.is((await refresh(mono, id)).status, "finished");
  mono.moveClock({ advanceMs: DAY });
  t.is((await refresh(mono, id)).status, "failed");
});

test("what the header says about news can be a lie", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 0 });
  mono.setRealtime(id, { outcome: "new" });
  t.is((await refresh(mono, id)).news, "true");
  mono.setRealtime(id, { outcome: "none" });
  mono.addTransaction(id, { amount: 1 });
  mono.moveClock({ advanceMs: 5 * MINUTE });
  t.is((await refresh(mono, id)).news, null);
  t.is((await readPages(mono, id)).length, 1);
});

test("a balance job brings a balance only; a statement brings both", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 0 });
  const balance = async () => (await call(mono, `/v2/accounts/${id}/balance`)).body;
  const { balance: opening } = mono.truth(id);
  mono.addTransaction(id, { amount: 100, type: "credit" });
  const { jobId } = await refresh(mono, id, "balance");
  t.like((await call(mono, `/v2/accounts/${id}/jobs/${jobId}`)).body, { data: { name: "jobs.accounts.sync_balance" } });
  t.like(await balance(), { data: { id, balance: Number(opening) + 100, currency: "NGN" } });
  t.is((await readPages(mono, id)).length, 0);
  mono.addTransaction(id, { amount: 30, type: "debit" });
  mono.moveClock({ advanceMs: 5 * MINUTE });
  await refresh(mono, id);
  t.like(await balance(), { data: { balance: Number(opening) + 70 } });
  t.is((await readPages(mono, id)).length, 2);
});

test("until the first data is there: PROCESSING, 200, empty", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 30, connectMs: 45_000 });
  const status = async () => (await call(mono, `/v2/accounts/${id}`)).body;
  t.like(await status(), {
    data: { account: { id, balance: null }, meta: { data_status: "PROCESSING", retrieved_data: [] } },
  });
  t.like((await call(mono, `/v2/accounts/${id}/balance`)).body, { status: "successful", data: null });
  t.like((await call(mono, `/v2/accounts/${id}/transactions`)).body, { data: [], meta: { total: 0, next: null } });
  mono.moveClock({ advanceMs: 45_000 });
  t.like(await status(), {
    data: { meta: { data_status: "AVAILABLE", retrieved_data: ["identity", "balance", "transactions"] } },
  });
  t.true((await readPages(mono, id)).length > 0);
});

test("a bank that only gives a balance stays PARTIAL, whatever is refreshed", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ gives: ["identity", "balance"], currency: "USD", type: "DOMICILIARY_ACCOUNT" });
  mono.moveClock({ advanceMs: DAY });
  t.is((await refresh(mono, id)).status, "finished");
  const { body } = await call(mono, `/v2/accounts/${id}`);
  t.like(body, {
    data: { account: { currency: "USD" }, meta: { data_status: "PARTIAL", retrieved_data: ["identity", "balance"] } },
  });
  t.deepEqual(await readPages(mono, id), []);
});

test("a status set by hand holds until it is given back", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 30 });
  const total = (await readPages(mono, id)).length;
  for (const dataStatus of ["UNAVAILABLE", "FAILED", "PROCESSING"] as const) {
    mono.setStatus(id, { dataStatus });
    t.is((await readPages(mono, id)).length, 0);
  }
  mono.setStatus(id, { dataStatus: "PARTIAL", retrievedData: ["identity", "transactions"] });
  t.is((await readPages(mono, id)).length, total);
  t.like((await call(mono, `/v2/accounts/${id}/balance`)).body, { data: { id, balance: null } });
  mono.setStatus(id, { dataStatus: null });
  t.like((await call(mono, `/v2/accounts/${id}`)).body, { data: { meta: { data_status: "AVAILABLE" } } });
});
