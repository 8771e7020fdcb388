import test from "ava";
import { withClonedDb } from "../../db/testing/database.ts";
import { startMonoSimulator } from "../simulators/mono/simulator.ts";
import { UsageError } from "../usage.ts";
import { openMono } from "./bank_link.ts";

test(
  "when Mono is asked for too much, a person is told, and a line of a file waits until it is its turn",
  withClonedDb(async (t, cloned) => {
    const simulator = await startMonoSimulator({ seed: t.title });
    const about = { db: cloned.pool("app_worker"), baseUrl: simulator.url, secretKey: simulator.secretKey };
    const [person, file] = [openMono({ ...about, isWaitedFor: true }), openMono({ ...about, isWaitedFor: false })];
    try {
      const id = simulator.createAccount({ perWeek: 0 });
      const owner = await cloned.connect("app_owner");
      const block = (until: string) =>
        owner.query(`update app_private.quotas set blocked_until = clock_timestamp() + interval '${until}'`);
      await block("5 minutes");
      await t.throwsAsync(person.describe(id), { instanceOf: UsageError, message: /try again in \d+ seconds/ });
      t.deepEqual(simulator.requests(), {});
      await block("3 seconds");
      t.is((await file.describe(id)).currency, "NGN");
      t.is((await person.describe(id)).currency, "NGN", "the control: now anybody is answered");
    } finally {
      await person.close();
      await file.close();
      await simulator.close();
    }
  }),
);
