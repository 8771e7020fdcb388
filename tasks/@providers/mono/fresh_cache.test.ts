import test from "ava";
import { startMonoSimulator } from "../../../scripts/simulators/mono/simulator.ts";
import type { PlatformState } from "../../@sync/platform.ts";
import { createMonoPlatform } from "./platform.ts";
import { lastState, leasedAccount, rowsOf, run, testContext } from "../testing/runs.ts";

const NOON = "2026-09-30T12:00:00.000Z";

test("what Mono refreshed by itself is read as it is, once and for five minutes; our own refresh still speaks for it", async (t) => {
  const clock = testContext(NOON);
  const simulator = await startMonoSimulator({ seed: "fresh", now: () => clock.now().getTime() });
  const externalId = simulator.createAccount({ perWeek: 30 });
  const platform = createMonoPlatform({ baseUrl: simulator.url, secretKey: simulator.secretKey });
  t.teardown(async () => {
    await platform.close();
    await simulator.close();
  });
  const window = { source: "mono" as const, from: "2026-09-01", to: "2026-09-30" };
  const sync = (state: PlatformState) =>
    run(platform, leasedAccount("mono", { externalId, windows: [window], state }), clock);
  const first = await sync({});
  t.is(simulator.state().realtimeSessions, 1);
  const state = lastState(first.steps);

  clock.advance(3600);
  const refreshedAt = clock.now().toISOString();
  const added = simulator.addTransaction(externalId, { amount: 100n, narration: "LATE" });
  clock.advance(60);
  simulator.setConsent(externalId, { expired: true });
  simulator.setConsent(externalId, { expired: false });
  const fresh = await sync({ ...state, refreshedAt });
  t.is(fresh.failure, null);
  t.is(simulator.state().realtimeSessions, 1, "no session was begun");
  t.true(rowsOf(fresh.steps).some(({ id }) => id === added));
  const after = lastState(fresh.steps, state);
  t.like(after, { refreshedAt: null, dataAsOf: NOON });

  await sync(after);
  t.is(simulator.state().realtimeSessions, 2, "the next one refreshes again");
  clock.advance(299);
  await sync({ ...after, refreshedAt: new Date(clock.now().getTime() - 300_000).toISOString() });
  t.is(simulator.state().realtimeSessions, 2, "within the session that stands, Mono begins none");
  clock.advance(3600);
  await sync({ ...after, refreshedAt: new Date(clock.now().getTime() - 300_000).toISOString() });
  t.is(simulator.state().realtimeSessions, 3, "five minutes ago is too long ago");
});
