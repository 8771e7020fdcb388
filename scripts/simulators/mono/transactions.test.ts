import test from "ava";
import { dayName, dayNumber } from "./lagos.ts";
import { call, DAY, NOON_ISH, pageOf, readPages, startForTest } from "./test_client.ts";

test("no key and a wrong key get the documented 401, also before a 404; the right one passes", async (t) => {
  const mono = await startForTest(t);
  const body = { status: "failed", message: "Unauthorized request.", data: null };
  const institutions = "/v3/institutions?scope=financial_data";
  for (const headers of [{ "mono-sec-key": "" }, { "mono-sec-key": "live_sk_x" }]) {
    t.like(await call(mono, institutions, { headers }), { status: 401, body });
    t.is((await call(mono, "/v2/accounts/nobody", { headers })).status, 401);
  }
  t.is((await call(mono, institutions)).status, 200);
  mono.setKey({ secretKey: "rotated", refusal: 403 });
  t.is((await call(mono, institutions, { headers: { "mono-sec-key": "test_sk_simulator" } })).status, 403);
  t.is((await call(mono, institutions)).status, 200);
});

test("an unknown account is a 404 in the envelope", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount();
  for (const path of ["", "/balance", "/transactions", "/jobs/1"]) {
    t.like(await call(mono, `/v2/accounts/0000${path}`), { status: 404, body: { status: "failed", data: null } });
  }
  t.is((await call(mono, `/v2/accounts/${id}`)).status, 200);
});

test("every page together is the truth, field by field", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 30, historyDays: 60 });
  const { transactions } = mono.truth(id);
  t.true(transactions.length > 200);
  t.deepEqual(
    (await readPages(mono, id)).map((each) => ({ ...each })),
    transactions.map(({ day: _day, visibleAt: _visibleAt, raw: _raw, amount, balance, ...rest }) => ({
      ...rest,
      amount: Number(amount),
      balance: balance === null ? null : Number(balance),
    })),
  );
  t.true(transactions.some(({ category }) => category === null));
  t.true(transactions.some(({ category }) => category === "unknown"));
  t.true(transactions.some(({ narration }) => narration === null));
});

test("limits: 50 unless told, 100 at most; pages past the end are empty; one big reply on request", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 40, historyDays: 40 });
  const total = mono.truth(id).transactions.length;
  const read = async (query: string) =>
    pageOf.parse((await call(mono, `/v2/accounts/${id}/transactions${query}`)).body);
  t.is((await read("")).data.length, 50);
  t.is((await read("?limit=7")).data.length, 7);
  t.is((await read("?limit=500")).data.length, 100);
  t.like(await read("?page=99"), { data: [], meta: { total, page: 99, next: null } });
  const all = await read("?paginate=false&limit=5");
  t.is(all.data.length, total);
  t.deepEqual(all.meta, { total, page: 1, previous: null, next: null });
});

test("meta.next leaves out /accounts/ and every filter; following it leads nowhere", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 40 });
  const answer = await call(mono, `/v2/accounts/${id}/transactions?start=01-09-2026&end=10-10-2026&limit=10&page=2`);
  const { meta } = pageOf.parse(answer.body);
  t.is(meta.next, `${mono.url}/v2/${id}/transactions?page=3`);
  t.is(meta.previous, `${mono.url}/v2/${id}/transactions?page=1`);
  t.is((await call(mono, `/v2/${id}/transactions?page=3`)).status, 404);
});

test("start and end are whole days of Lagos", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 0 });
  for (const [narration, date] of [
    ["last of the 7th", "2026-10-07T22:59:59.999Z"],
    ["first of the 8th", "2026-10-07T23:00:00.000Z"],
    ["last of the 8th", "2026-10-08T22:59:59.999Z"],
    ["first of the 9th", "2026-10-08T23:00:00.000Z"],
  ] as const) {
    mono.addTransaction(id, { amount: 1, narration, date });
  }
  await call(mono, `/v2/accounts/${id}/transactions`, { headers: { "x-realtime": "true" } });
  const names = async (query: string) => (await readPages(mono, id, query)).map(({ narration }) => narration);
  t.deepEqual(await names("&start=08-10-2026&end=08-10-2026"), ["last of the 8th", "first of the 8th"]);
  t.deepEqual(await names("&start=09-10-2026"), ["first of the 9th"]);
  t.deepEqual(await names("&end=07-10-2026"), ["last of the 7th"]);
});

test("type and narration filter; what makes no sense is a 400", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 40 });
  const credits = await readPages(mono, id, "&type=credit");
  t.true(credits.length > 0 && credits.every(({ type }) => type === "credit"));
  const airtime = await readPages(mono, id, "&narration=airtime");
  t.true(airtime.length > 0 && airtime.every(({ narration }) => narration?.includes("AIRTIME")));
  const bad = [
    "start=2026-10-01",
    "end=31-02-2026",
    "start=02-10-2026&end=01-10-2026",
    "type=both",
    "page=0",
    "limit=ten",
  ];
  for (const query of bad) {
    const answer = await call(mono, `/v2/accounts/${id}/transactions?${query}`, { headers: { "x-realtime": "true" } });
    t.like(answer, { status: 400, body: { status: "failed", data: null } }, query);
  }
  t.is(mono.state().realtimeSessions, 0);
});

test("the same id exists in two accounts, and rows carry no currency", async (t) => {
  const mono = await startForTest(t);
  const [a, b] = [mono.createAccount({ perWeek: 30 }), mono.createAccount({ perWeek: 30 })];
  const first = await readPages(mono, a);
  const second = new Set((await readPages(mono, b)).map(({ id }) => id));
  t.true(first.some(({ id }) => second.has(id)));
  t.false(first.every(({ id }) => second.has(id)));
  t.is(new Set(first.map(({ id }) => id)).size, first.length);
  t.true(first.every((each) => !("currency" in each)));
});

test("a list that shifts: the row at the seam comes twice, or never", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 40 });
  const read = async (page: number) =>
    pageOf.parse((await call(mono, `/v2/accounts/${id}/transactions?limit=10&page=${page}`)).body);
  const seam = (await read(1)).data.at(-1)?.id;
  const after = (await read(2)).data[0]?.id;

  mono.shift({ account: id, afterPage: 1 });
  const { total } = (await read(1)).meta;
  t.like(await read(2), { data: [{ id: seam }], meta: { total: total + 1 } });

  mono.shift({ account: id, afterPage: 1, change: "remove" });
  t.is((await read(1)).data.at(-1)?.id === seam, false);
  t.is((await read(2)).data[0]?.id, after);
  t.is((await read(2)).meta.total, total);
});

test("a list shifts also where the bank had removed its top row before the cache knew", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 40 });
  const read = (page: number) => call(mono, `/v2/accounts/${id}/transactions?limit=10&page=${page}`);
  const [top, next] = pageOf.parse((await read(1)).body).data;
  if (top === undefined || next === undefined) return t.fail();
  mono.removeTransaction(id, top.id);
  mono.shift({ account: id, afterPage: 1, change: "remove" });
  t.like(await read(1), { status: 200, body: { data: { 0: { id: top.id } } } });
  t.like(await read(1), { status: 200, body: { data: { 0: { id: next.id } } } });
});

test("what control does to a row is what pages show, once the cache has caught up", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 30 });
  const before = await readPages(mono, id);
  const [changed, removed, renamed, broken] = before.map((each) => each.id);
  if (changed === undefined || removed === undefined || renamed === undefined || broken === undefined) return t.fail();
  mono.changeTransaction(id, changed, { amount: 777, narration: "CORRECTED" });
  mono.removeTransaction(id, removed);
  t.throws(() => mono.changeTransaction(id, removed, { amount: 1 }), { message: /removed/ });
  const newId = mono.reissueTransaction(id, renamed);
  mono.changeTransaction(id, broken, { raw: { id: null, amount: 12.5 } });
  const late = mono.addTransaction(id, {
    amount: 1_000n,
    type: "credit",
    date: "2026-10-08T10:00:00.000Z",
    visibleAt: NOON_ISH + DAY,
  });
  t.deepEqual(await readPages(mono, id), before);

  const fresh = async () => {
    const answer = await call(mono, `/v2/accounts/${id}/transactions?paginate=false`, {
      headers: { "x-realtime": "true" },
    });
    t.is(answer.status, 200);
    return JSON.stringify(answer.body);
  };
  const now = await fresh();
  t.true(now.includes('"narration":"CORRECTED","amount":777'));
  t.false(now.includes(removed));
  t.false(now.includes(renamed));
  t.true(now.includes(newId));
  t.true(now.includes('"id":null') && now.includes('"amount":12.5'));
  t.false(now.includes(late));

  mono.restoreTransaction(id, removed);
  mono.moveClock({ advanceMs: DAY });
  const later = await fresh();
  t.true(later.includes(removed));
  t.true(later.includes(late));
  t.true(mono.truth(id).transactions.some((each) => each.id === late && each.day === "2026-10-08"));
  return t.false(mono.truth(id, NOON_ISH).transactions.some((each) => each.id === late));
});

test("an amount beyond what a float can hold is served exactly", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 0 });
  mono.addTransaction(id, { amount: "9007199254740993" });
  const response = await fetch(`${mono.url}/v2/accounts/${id}/transactions`, {
    headers: { "mono-sec-key": mono.secretKey, "x-realtime": "true" },
  });
  t.true((await response.text()).includes('"amount":9007199254740993,'));
});

test("truth is by Lagos days", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 100, dateStyle: "midnight" });
  for (const { day, date } of mono.truth(id).transactions) t.is(day, dayName(dayNumber(Date.parse(date))));
});

test("the list of accounts pages, without those that are gone", async (t) => {
  const mono = await startForTest(t);
  const ids = Array.from({ length: 23 }, () => mono.createAccount({ perWeek: 0 }));
  const [gone = "", next = ""] = ids;
  mono.unlink(gone);
  const first = await call(mono, "/v2/accounts");
  t.like(first.body, { data: [{ id: next }], meta: { total: 22, next: `${mono.url}/v2/accounts?page=2` } });
  t.like((await call(mono, "/v2/accounts?page=2")).body, { meta: { page: 2, next: null } });
});
