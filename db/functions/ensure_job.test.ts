import test from "ava";
import { receiveWebhooks } from "../queries/webhooks.ts";
import { rowsOf, valueOf } from "../testing/ask.ts";
import { twoSessions } from "../testing/database.ts";

const webhook = (key: string) => ({
  platform: "mono" as const,
  dedupeKey: key,
  bodyHmac: Buffer.alloc(32).toString("base64"),
  event: "mono.events.account_reauthorized",
  providerAccountId: "a",
});

test(
  "a job that is taken at the very moment at which it is asked for again is followed by another",
  twoSessions(async (t, a, b) => {
    t.is(await receiveWebhooks(a, [webhook("first")]), 1);
    // A worker takes the job, and has not committed that yet.
    await a.query("begin");
    await a.query("update graphile_worker._private_jobs set locked_at = now(), locked_by = 'worker', attempts = 1");
    const pid = await valueOf(b, "select pg_backend_pid()");
    const second = receiveWebhooks(b, [webhook("second")]);
    // It found the job waiting a moment ago, and now waits for what becomes of it.
    while ((await valueOf(a, "select cardinality(pg_blocking_pids($1))", [pid])) === 0);
    await a.query("commit");
    t.is(await second, 1);
    t.deepEqual(
      (await rowsOf(a, "select locked_by, key from graphile_worker.jobs order by id")).map(({ locked_by, key }) => [
        locked_by,
        key,
      ]),
      [
        ["worker", null],
        [null, "process_webhooks"],
      ],
    );
  }),
);
