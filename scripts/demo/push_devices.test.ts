import test from "ava";
import webPush from "web-push";
import { listOf } from "../../db/testing/ask.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { createHttpClient } from "../../tasks/@http/client.ts";
import { startOneSignalSimulator } from "../simulators/onesignal/simulator.ts";
import { startPushServiceSimulator } from "../simulators/push_service/simulator.ts";
import { demoUsers } from "./people.ts";
import { giveDemoDevices } from "./push_devices.ts";

test(
  "each of the demo's people has one phone and one browser, however often it starts, at the push service of today",
  withClonedDb(async (t, cloned) => {
    const oneSignal = await startOneSignalSimulator({ seed: "tests" });
    const services = [
      await startPushServiceSimulator({ seed: "tests" }),
      await startPushServiceSimulator({ seed: "tests" }),
    ] as const;
    const http = createHttpClient();
    t.teardown(async () => {
      await http.close();
      await Promise.all([oneSignal, ...services].map((simulator) => simulator.close()));
    });
    const { publicKey } = webPush.generateVAPIDKeys();
    const give = (pushService: (typeof services)[number]) =>
      giveDemoDevices({ databaseUrl: cloned.url, simulators: { oneSignal, pushService }, vapidPublicKey: publicKey });
    const owner = await cloned.connect("app_owner");
    const people = demoUsers.map(({ id }) => id).toSorted();

    await give(services[0]);
    oneSignal.putUser(demoUsers[0]?.id ?? "", { subscribed: false });
    await give(services[0]);
    t.deepEqual(await listOf(owner, "select user_id from app_public.push_subscriptions order by 1"), people);
    t.is(services[0].state().subscriptions.length, people.length);
    t.deepEqual(Object.keys(oneSignal.state().users).toSorted(), people);
    t.false(oneSignal.user(demoUsers[0]?.id ?? "").subscribed, "what was done to a phone stays");

    await give(services[1]);
    t.deepEqual(await listOf(owner, "select port from app_private.push_services where host = 'localhost'"), [
      `${services[1].port}`,
    ]);
    t.is(services[1].state().subscriptions.length, people.length);

    // A client that knows nothing of certificates, as the demo's workers are, reaches it.
    const reply = await http.send({
      operation: "look",
      method: "GET",
      url: new URL(`${services[1].url}/control/state`),
      call: { signal: new AbortController().signal },
      deadlineMs: 60_000,
    });
    t.is(reply.status, 200);
  }),
);
