import test, { type ExecutionContext } from "ava";
import { empty, type SimulatorRequest, startServer } from "../http.ts";
import type { MomoSimulator } from "./simulator.ts";
import type { SettingsPatch } from "./settings.ts";
import { clientOf, payer, startStanding } from "./test_client.ts";

type Scene = { simulator: MomoSimulator; callbackUrl: string; received: SimulatorRequest[]; apiUser: string };

async function scene(t: ExecutionContext, callbacks: SettingsPatch["callbacks"], status = 200): Promise<Scene> {
  const received: SimulatorRequest[] = [];
  const note = (request: SimulatorRequest) => {
    received.push(request);
    return empty(status);
  };
  const app = await startServer({ routes: [], notFound: note });
  const simulator = await startStanding({
    settings: { reasonForm: "string", ...(callbacks === undefined ? {} : { callbacks }) },
  });
  t.teardown(async () => {
    await simulator.close();
    await app.close();
  });
  const { apiUser } = simulator.createWallet({ callbackHost: "127.0.0.1" });
  return { simulator, callbackUrl: `${app.url}/momo/ref-1`, received, apiUser };
}

test("once, when the payment ends: the same JSON as a read, without the reference", async (t) => {
  const { simulator, callbackUrl, received, apiUser } = await scene(t, { method: "PUT" });
  const payment = simulator.createPayment(apiUser, { amount: "5.00", callbackUrl, outcomeAfterMs: 9_000 });
  await simulator.moveClock({ advanceMs: 8_999 });
  t.is(received.length, 0);
  await simulator.moveClock({ advanceMs: 1 });
  await simulator.moveClock({ advanceMs: 60_000 });
  t.is(received.length, 1);
  t.is(received[0]?.method, "PUT");
  t.is(received[0]?.path, "/momo/ref-1");
  const truth = simulator.truth(apiUser).payments[0];
  t.like(received[0]?.body, {
    status: "SUCCESSFUL",
    amount: "5",
    financialTransactionId: truth?.financialTransactionId,
  });
  t.false(received[0]?.rawBody.includes(payment.referenceId));
  t.like(simulator.state().callbacks[0], { reference: payment.referenceId, method: "PUT", result: 200 });
});

test("never, twice, later, and either method", async (t) => {
  const { simulator, callbackUrl, received, apiUser } = await scene(t, { mode: "never" });
  const pay = () => simulator.createPayment(apiUser, { amount: "1", callbackUrl, scenario: "rejected" });
  pay();
  await simulator.moveClock({ advanceMs: 3_600_000 });
  t.is(received.length, 0);
  simulator.changeSettings({ callbacks: { mode: "duplicate", method: "POST" } });
  pay();
  await simulator.callbacksSettled();
  t.deepEqual(
    received.map(({ method }) => method),
    ["POST", "POST"],
  );
  simulator.changeSettings({ callbacks: { mode: "once", delayMs: 120_000 } });
  pay();
  await simulator.moveClock({ advanceMs: 119_999 });
  t.is(received.length, 2);
  await simulator.moveClock({ advanceMs: 1 });
  t.is(received.length, 3);
  simulator.changeSettings({ callbacks: { delayMs: 0, method: "alternate" } });
  for (let count = 0; count < 16; count += 1) pay();
  await simulator.callbacksSettled();
  t.deepEqual([...new Set(received.slice(3).map(({ method }) => method))].toSorted(), ["POST", "PUT"]);
});

test("an app that answers 500 or not at all changes nothing, and is not asked again", async (t) => {
  const { simulator, callbackUrl, received, apiUser } = await scene(t, { mode: "once" }, 500);
  simulator.createPayment(apiUser, { amount: "1", callbackUrl, scenario: "rejected" });
  simulator.createPayment(apiUser, { amount: "1", callbackUrl: "http://127.0.0.1:1/closed", scenario: "rejected" });
  await simulator.callbacksSettled();
  await simulator.moveClock({ advanceMs: 3_600_000 });
  t.is(received.length, 1);
  t.deepEqual(
    simulator
      .state()
      .callbacks.map(({ result }) => String(result))
      .toSorted(),
    ["500", "Error"],
  );
});

test("X-Callback-Url of a request to pay is used, with nobody moving the clock", async (t) => {
  const { simulator } = await scene(t, { method: "PUT" });
  const app = await startServer({ routes: [], notFound: () => empty(200) });
  t.teardown(() => app.close());
  const client = await clientOf(simulator.createWallet({ callbackHost: "127.0.0.1" }));
  const arrival = app.nextRequest(() => true);
  await client.pay({ payer: payer("46733123451"), headers: { "x-callback-url": `${app.url}/hook` } });
  t.like((await arrival).body, { status: "FAILED", reason: "APPROVAL_REJECTED" });
});
