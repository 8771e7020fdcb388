import test from "ava";
import { withClonedDb } from "../../db/testing/database.ts";
import { runNotificationSoak } from "./notification_soak.ts";

test(
  "1,000 episodes, channels that fail 30 % of the calls, workers that are killed: each told once a channel, none lost",
  withClonedDb(async (t, cloned) => {
    t.timeout(1_200_000);
    const { violations, ...numbers } = await runNotificationSoak({
      databaseUrl: cloned.url,
      owner: await cloned.connect("app_owner"),
      seed: 5,
      episodes: 1_000,
      workers: 4,
      faultRate: 0.3,
      killEvery: 150,
      kills: 15,
      say: (line) => t.log(line),
    });
    t.log(JSON.stringify(numbers));
    t.deepEqual(violations.slice(0, 10), []);
    t.true(numbers.delivered.onesignal > 700 && numbers.delivered.web_push > 600 && numbers.unreachable > 50);
    t.true(numbers.kills >= 10, "workers died");
    t.true(numbers.faults > numbers.attempts * 0.2, "calls failed");
  }),
);
