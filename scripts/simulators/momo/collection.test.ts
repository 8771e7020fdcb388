import { randomUUID } from "node:crypto";
import test from "ava";
import { clientOf, field, payer, startStanding } from "./test_client.ts";

test("202 with nothing in it, then PENDING, then SUCCESSFUL and the money has moved", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const wallet = simulator.createWallet({ balance: "100.25", history: false });
  const client = await clientOf(wallet);
  const reference = randomUUID();
  const created = await client.pay({ reference, amount: "12.50", payerMessage: "Groceries", payeeNote: "Order 12" });
  t.is(created.status, 202);
  t.is(created.text, "");
  const pending = await client.get(`/v1_0/requesttopay/${reference}`);
  const body = {
    externalId: "inv-1",
    amount: "12.5",
    currency: "EUR",
    payer: payer("46733123999"),
    payerMessage: "Groceries",
    payeeNote: "Order 12",
  };
  t.deepEqual(pending.json, { ...body, status: "PENDING" });
  t.deepEqual((await client.get("/v1_0/account/balance")).json, { availableBalance: "100.25", currency: "EUR" });
  await simulator.moveClock({ advanceMs: 5_000 });
  const done = await client.get(`/v1_0/requesttopay/${reference}`);
  const financialTransactionId = field(done, "financialTransactionId");
  t.regex(financialTransactionId, /^\d{10}$/);
  t.deepEqual(done.json, { financialTransactionId, ...body, status: "SUCCESSFUL" });
  t.is(field(await client.get("/v1_0/account/balance"), "availableBalance"), "112.75");
  t.is(simulator.truth(wallet.apiUser).balance, "112.75");
  t.false(done.text.includes(reference));
});

test("a reference is taken for ever, must be a uuid4, and is read by its own wallet, operation and platform only", async (t) => {
  const simulator = await startStanding({ platforms: [{ name: "legacy" }, { name: "new" }] });
  t.teardown(simulator.close);
  const wallet = simulator.createWallet({ platforms: ["legacy", "new"] });
  const legacy = await clientOf(wallet);
  const migrated = await clientOf({ ...wallet, baseUrl: simulator.urls["new"] ?? "" });
  const stranger = await clientOf(simulator.createWallet());
  const reference = randomUUID();
  t.is((await legacy.pay({ reference })).status, 202);
  const again = await legacy.pay({ reference });
  t.is(again.status, 409);
  t.is(field(again, "code"), "RESOURCE_ALREADY_EXIST");
  const path = `/v1_0/requesttopay/${reference}`;
  t.is((await legacy.get(path)).status, 200);
  for (const answer of [
    await migrated.get(path),
    await stranger.get(path),
    await legacy.get(`/v1_0/requesttowithdraw/${reference}`),
    await legacy.get(`/v1_0/requesttopay/${randomUUID()}`),
  ]) {
    t.is(answer.status, 404);
    t.deepEqual(answer.json, { code: "RESOURCE_NOT_FOUND", message: "Requested resource was not found." });
  }
  const uuid1 = await legacy.pay({ reference: "3fa85f64-5717-1562-b3fc-2c963f66afa6" });
  t.is(uuid1.status, 400);
  t.is(uuid1.text, "");
});

test("a body that is not as it should be is 400 with nothing in it", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const client = await clientOf(simulator.createWallet());
  for (const wrong of [
    { amount: 5 },
    { amount: "-5" },
    { amount: "0.00" },
    { currency: "euro" },
    { externalId: "inv 1" },
    { payer: payer("+46733123999") },
    { payer: null },
    { payeeNote: "it's" },
    { payerMessage: "x".repeat(161) },
  ]) {
    const answer = await client.pay(wrong);
    t.is(answer.status, 400, JSON.stringify(wrong));
    t.is(answer.text, "");
  }
  t.is((await client.pay({ payerMessage: "x".repeat(160) })).status, 202);
  const currency = await client.pay({ currency: "GHS" });
  t.is(currency.status, 500);
  t.is(field(currency, "code"), "INVALID_CURRENCY");
});

const SECOND = 1_000;

/** Digits, then status (and reason) at the seconds given. */
const TABLE: [string, ...[number, string, string?][]][] = [
  ["50", [0, "FAILED", "INTERNAL_PROCESSING_ERROR"]],
  ["51", [0, "FAILED", "APPROVAL_REJECTED"]],
  ["52", [0, "FAILED", "EXPIRED"]],
  ["53", [0, "PENDING"], [86_400, "PENDING"]],
  ["54", [0, "CREATED"], [24, "CREATED"], [25, "SUCCESSFUL"]],
  ["55", [0, "PENDING"], [2, "FAILED", "PAYER_NOT_FOUND"]],
  ["56", [0, "PENDING"], [2, "FAILED", "PAYEE_NOT_ALLOWED_TO_RECEIVE"]],
  ["63", [0, "PENDING"], [299, "PENDING"], [300, "FAILED", "COULD_NOT_PERFORM_TRANSACTION"]],
  ["64", [0, "PENDING"], [2, "FAILED", "TRANSFER_TYPE_UNKNOWN"]],
  ["65", [0, "PENDING"], [5, "SUCCESSFUL"]],
];

for (const operation of ["requesttopay", "requesttowithdraw"]) {
  test(`the sandbox numbers in time: ${operation}`, async (t) => {
    const simulator = await startStanding({ settings: { reasonForm: "string" } });
    t.teardown(simulator.close);
    const wallet = simulator.createWallet({ history: false, balance: "10" });
    for (const [digits, ...moments] of TABLE) {
      const begun = simulator.clock.now();
      const client = await clientOf(wallet);
      const reference = randomUUID();
      const body = { amount: "1", currency: "EUR", externalId: "x", payer: payer(`467331234${digits}`) };
      t.is((await client.post(`/v1_0/${operation}`, body, { "x-reference-id": reference })).status, 202);
      for (const [seconds, status, reason] of moments) {
        await simulator.moveClock({ now: begun + seconds * SECOND });
        const answer = await (await clientOf(wallet)).get(`/v1_0/${operation}/${reference}`);
        t.is(field(answer, "status"), status, `${digits} after ${seconds} s`);
        t.is(field(answer, "reason"), String(reason), digits);
      }
    }
    t.is(simulator.truth(wallet.apiUser).balance, "12", "two of them succeeded");
  });
}

const REFUSED: [string, number, string][] = [
  ["57", 500, "NOT_ALLOWED"],
  ["58", 500, "NOT_ALLOWED_TARGET_ENVIRONMENT"],
  ["59", 500, "INVALID_CALLBACK_URL_HOST"],
  ["60", 500, "INVALID_CURRENCY"],
  ["61", 500, "INTERNAL_PROCESSING_ERROR"],
  ["62", 503, "SERVICE_UNAVAILABLE"],
];

test("57 to 62 are refused at the POST and leave nothing behind, or fail later when the setting says so", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const client = await clientOf(simulator.createWallet());
  const begun = simulator.clock.now();
  for (const [digits, status, code] of REFUSED) {
    simulator.changeSettings({ refuseAtPost: true });
    const reference = randomUUID();
    const refused = await client.pay({ reference, payer: payer(`467331234${digits}`) });
    t.is(refused.status, status);
    t.is(field(refused, "code"), code);
    t.is((await client.get(`/v1_0/requesttopay/${reference}`)).status, 404);
    simulator.changeSettings({ refuseAtPost: false, reasonForm: "string" });
    t.is((await client.pay({ reference, payer: payer(`467331234${digits}`) })).status, 202);
    await simulator.moveClock({ advanceMs: 2_000 });
    t.is(field(await client.get(`/v1_0/requesttopay/${reference}`), "reason"), code);
    await simulator.moveClock({ now: begun });
  }
});

test("a reason is a bare code or an object, and by default some of each", async (t) => {
  const simulator = await startStanding({ settings: { reasonForm: "object" } });
  t.teardown(simulator.close);
  const wallet = simulator.createWallet();
  const client = await clientOf(wallet);
  const forms = new Set<string>();
  for (let count = 0; count < 20; count += 1) {
    const { referenceId } = simulator.createPayment(wallet.apiUser, { amount: "1", scenario: "rejected" });
    simulator.changeSettings({ reasonForm: "object" });
    const asObject = await client.get(`/v1_0/requesttopay/${referenceId}`);
    t.regex(asObject.text, /"reason":\{"code":"APPROVAL_REJECTED","message":"[^"]+"\}/);
    simulator.changeSettings({ reasonForm: "alternate" });
    forms.add(field(await client.get(`/v1_0/requesttopay/${referenceId}`), "reason"));
  }
  t.deepEqual([...forms].toSorted(), ["APPROVAL_REJECTED", "[object Object]"]);
});

test("another callback host than the user's refuses the whole payment; none at all is fine", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const client = await clientOf(simulator.createWallet({ callbackHost: "api.example.com" }));
  const reference = randomUUID();
  const refused = await client.pay({ reference, headers: { "x-callback-url": "https://evil.example.com/x" } });
  t.is(refused.status, 500);
  t.deepEqual(refused.json, {
    code: "INVALID_CALLBACK_URL_HOST",
    message: "Callback URL does not match the configured value.",
  });
  t.is((await client.get(`/v1_0/requesttopay/${reference}`)).status, 404);
  t.is((await client.pay({ reference, headers: { "x-callback-url": "https://api.example.com/x" } })).status, 202);
  t.is((await client.pay()).status, 202);
});

test("account holders: active for any number, the table's answers for the sandbox numbers", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const client = await clientOf(simulator.createWallet());
  const active = (id: string, type = "msisdn") => client.get(`/v1_0/accountholder/${type}/${id}/active`);
  t.deepEqual((await active("46733123999")).json, { result: true });
  t.deepEqual((await active("12")).json, { result: false });
  t.deepEqual((await active("ama@example.com", "email")).json, { result: true });
  t.is((await active("46733123999", "MSISDN")).status, 400);
  t.is((await active("46733123450")).status, 404);
  t.deepEqual((await active("46733123451")).json, { result: false });
  t.is(field(await active("46733123452"), "code"), "NOT_ALLOWED");
  t.is(field(await active("46733123453"), "code"), "NOT_ALLOWED_TARGET_ENVIRONMENT");
  t.is(field(await active("46733123454"), "code"), "INTERNAL_PROCESSING_ERROR");
  t.is((await active("46733123455")).status, 503);
  t.is(field(await client.get("/v1_0/accountholder/msisdn/46733123999/basicuserinfo"), "given_name"), "Sand");
});

test("balance in the wallet's currency only; a delivery notification for a known reference only", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const wallet = simulator.createWallet({ targetEnvironment: "mtnghana", balance: "32.390" });
  const client = await clientOf(wallet);
  t.deepEqual((await client.get("/v1_0/account/balance/GHS")).json, { availableBalance: "32.39", currency: "GHS" });
  t.is(field(await client.get("/v1_0/account/balance/EUR"), "code"), "INVALID_CURRENCY");
  const { referenceId } = simulator.createPayment(wallet.apiUser, { amount: "1" });
  const notify = (reference: string, headers: Record<string, string> = { notificationmessage: "Paid" }) =>
    client.post(`/v1_0/requesttopay/${reference}/deliverynotification`, { notificationMessage: "Paid" }, headers);
  t.is((await notify(referenceId)).status, 200);
  t.is((await notify(referenceId, {})).status, 400);
  t.is((await notify(randomUUID())).status, 404);
});
