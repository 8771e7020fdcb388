import test from "ava";
import { type Answer, call, field, NOON, startStanding } from "./test_client.ts";
import { startMomoSimulator, type MomoSimulator } from "./simulator.ts";
import type { WalletCredentials } from "./wallet_controls.ts";
import { z } from "zod";

const DAY = 86_400_000;
const pageSchema = z.object({
  maxRecs: z.string(),
  numRecs: z.string(),
  pageNum: z.string(),
  dateRange: z.array(z.string()),
  data: z.array(z.record(z.string(), z.string())),
});

function grant(wallet: WalletCredentials, given: { query?: string; secret?: string } = {}): Promise<Answer> {
  const { url, clientId, clientSecret } = wallet.statement;
  const form = new URLSearchParams({ client_id: clientId, client_secret: given.secret ?? clientSecret });
  return call(`${url}/v1/oauth/access_token?${given.query ?? "grant_type=client_credentials"}`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    rawBody: form.toString(),
  });
}

type Ask = (query?: Record<string, string | null>, headers?: Record<string, string | null>) => Promise<Answer>;

async function asker(wallet: WalletCredentials): Promise<Ask> {
  const token = field(await grant(wallet), "access_token");
  const given = <T>(values: Record<string, T | null>): Record<string, T> =>
    Object.fromEntries(Object.entries(values).flatMap(([key, value]) => (value === null ? [] : [[key, value]])));
  return (query = {}, headers = {}) => {
    const all = {
      msisdn: wallet.msisdn,
      startDate: "2026-09-01",
      endDate: "2026-09-30",
      appName: "tidemark",
      hostName: "localhost",
      userId: "1",
      attributes: "all",
      ...query,
    };
    return call(`${wallet.statement.url}/v1/customer/momo/history?${new URLSearchParams(given(all)).toString()}`, {
      headers: given({
        authorization: `Bearer ${token}`,
        "x-api-key": wallet.statement.apiKey,
        transactionid: "t-1",
        ...headers,
      }),
    });
  };
}

const page = async (ask: Ask, query: Record<string, string> = {}) => pageSchema.parse((await ask(query)).json);

async function wholeRange(ask: Ask, query: Record<string, string> = {}): Promise<Record<string, string>[]> {
  const first = await page(ask, query);
  const rows = [...first.data];
  for (let pageNum = 2; rows.length < Number(first.numRecs); pageNum += 1) {
    rows.push(...(await page(ask, { ...query, pageNum: String(pageNum) })).data);
  }
  return rows;
}

test("the token: form and query as specified, an expiry in a string, an hour of life", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const wallet = simulator.createWallet();
  const answer = await grant(wallet);
  t.is(answer.status, 200);
  t.like(answer.json, { token_type: "BearerToken", expires_in: "3599" });
  t.is(field(await grant(wallet, { secret: "wrong" }), "statusCode"), "4000");
  t.is((await grant(wallet, { secret: "wrong" })).status, 401);
  t.is(field(await grant(wallet, { query: "" }), "statusCode"), "5000");
  const ask = await asker(wallet);
  t.is((await ask()).status, 200);
  await simulator.moveClock({ advanceMs: 3_599_000 });
  t.is((await ask()).status, 401);
  const { clientSecret } = simulator.rotateStatementSecret();
  t.is((await grant(wallet)).status, 401);
  t.is((await grant(wallet, { secret: clientSecret })).status, 200);
});

test("every required parameter and header is required, dates are checked, and the error has MADAPI's shape", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const ask = await asker(simulator.createWallet());
  t.is((await ask()).status, 200);
  for (const name of ["msisdn", "startDate", "endDate", "appName", "hostName", "userId", "attributes"]) {
    const answer = await ask({ [name]: null });
    t.is(answer.status, 400, name);
    t.is(field(answer, "statusCode"), "5000");
  }
  const bare = await ask({}, { transactionid: null });
  t.is(bare.status, 400);
  t.deepEqual(Object.keys(z.record(z.string(), z.string()).parse(bare.json)), [
    "statusCode",
    "statusMessage",
    "supportMessage",
    "sequenceNo",
    "transactionId",
    "timestamp",
    "path",
    "method",
    "downstreamStatusCode",
  ]);
  for (const wrong of [
    { startDate: "01-09-2026" },
    { startDate: "2026-02-30" },
    { startDate: "2026-10-01" },
    { pageNum: "0" },
    { pageSize: "many" },
  ]) {
    t.is((await ask(wrong)).status, 400, JSON.stringify(wrong));
  }
  t.is(field(await ask({}, { "x-api-key": "wrong" }), "statusCode"), "4000");
  t.is((await ask({}, { authorization: null })).status, 401);
  t.is((await ask({ msisdn: "4600000000" })).status, 404);
});

test("pages: counted from 1, cut to 100 in silence, strings throughout, all rows once and as the truth has them", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const wallet = simulator.createWallet({ history: { from: "2026-01-01", rowsPerDay: 6 } });
  const ask = await asker(wallet);
  const first = await page(ask);
  t.deepEqual([first.pageNum, first.maxRecs, first.data.length], ["1", "20", 20]);
  t.deepEqual(first.dateRange, ["2026-09-01", "2026-09-30"]);
  t.is((await page(ask, { pageSize: "1000", startDate: "2026-01-01" })).data.length, 100);
  t.deepEqual((await page(ask, { pageNum: "99" })).data, []);
  for (const pageSize of ["1", "7", "100"]) {
    const rows = await wholeRange(ask, { pageSize, startDate: "2026-09-28" });
    const true_ = simulator.truth(wallet.apiUser).statementRows.filter(({ day }) => day >= "2026-09-28");
    t.true(rows.length > 3);
    t.deepEqual(
      rows,
      true_.map(({ record }) => record),
    );
  }
  t.deepEqual(Object.keys(first.data[0] ?? {}).includes("id"), false);
});

test("days are those of the wallet's country", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const wallet = simulator.createWallet({ targetEnvironment: "mtnuganda", history: false });
  simulator.postRow(wallet.apiUser, { direction: "credit", amount: "1500", occurredAt: "2026-09-29T21:30:00Z" });
  const ask = await asker(wallet);
  const [row] = (await page(ask, { startDate: "2026-09-30" })).data;
  t.like(row, { date: "2026-09-30", time: "00:30:00", amount: "1500", to_msisdn: wallet.msisdn });
  t.is((await page(ask, { startDate: "2026-09-29", endDate: "2026-09-29" })).numRecs, "0");
});

test("posted late, changed, removed: the statement shows it, numRecs follows, other balances stay", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const wallet = simulator.createWallet({ history: false, balance: "100" });
  const ask = await asker(wallet);
  simulator.postRow(wallet.apiUser, { direction: "debit", amount: "10", fee: "1", occurredAt: NOON - 1_000 });
  const { rowId } = simulator.postRow(wallet.apiUser, { direction: "credit", amount: "5", occurredAt: NOON - 2 * DAY });
  const balances = async () => (await page(ask)).data.map((row) => `${row["balance_before"]} ${row["balance_after"]}`);
  t.deepEqual(await balances(), ["100.00 89.00", "89.00 94.00"]);
  simulator.changeRow(wallet.apiUser, rowId, { amount: "6" });
  t.deepEqual(await balances(), ["100.00 89.00", "89.00 95.00"]);
  t.is(simulator.truth(wallet.apiUser).balance, "95");
  simulator.removeRow(wallet.apiUser, rowId);
  t.deepEqual(await balances(), ["100.00 89.00"]);
  t.is(simulator.truth(wallet.apiUser).balance, "89");
  t.throws(() => simulator.changeRow(wallet.apiUser, rowId, { amount: "7" }), { name: "UnknownThing" });
});

test("a payment that succeeded is on the statement as well", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const wallet = simulator.createWallet({ history: false, balance: "100" });
  simulator.createPayment(wallet.apiUser, { amount: "7.50", payer: "46733123777" });
  const ask = await asker(wallet);
  t.is((await page(ask)).numRecs, "0");
  await simulator.moveClock({ advanceMs: 5_000 });
  t.like((await page(ask)).data[0], { amount: "7.50", from_msisdn: "46733123777", balance_after: "107.50" });
});

test("rate exceeded is 429 with code 1013, counted apart from Collections", async (t) => {
  const simulator: MomoSimulator = await startMomoSimulator({
    seed: 1,
    now: () => NOON,
    statementRateLimit: { limit: 2, windowMs: 1_000 },
  });
  t.teardown(simulator.close);
  const ask = await asker(simulator.createWallet());
  t.is((await ask()).status, 200);
  const refused = await ask();
  t.is(refused.status, 429);
  t.is(field(refused, "statusCode"), "1013");
  const { hosts } = simulator.state();
  t.deepEqual([hosts["statement"]?.breaches, hosts["sandbox"]?.breaches], [1, 0]);
  simulator.setRateLimit(null, "statement");
  simulator.addFault({ kind: "503" }, "statement");
  t.is((await ask()).status, 503);
  t.is((await ask()).status, 200);
});
