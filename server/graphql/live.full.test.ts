import { randomUUID } from "node:crypto";
import test from "ava";
import { valueOf } from "../../db/testing/ask.ts";
import { alice, linkMono } from "../../db/testing/world.ts";
import { tokenOf, withApi } from "../testing/graphql_api.ts";

const IDLE = 1_000;
const CHANGES = 100;
const SUBSCRIPTION = "subscription { myAccountChanged { account { syncStatus syncState { phase } } } }";

test(
  "a thousand who wait cost one session that listens, and nothing while another is told",
  withApi(
    async (t, api, owner, cloned) => {
      t.timeout(300_000);
      const account = await linkMono(owner);
      const heard: string[] = [];
      const idle = await Promise.all(
        Array.from({ length: IDLE }, async () => {
          const userId = randomUUID();
          const socket = api.socket(await tokenOf(userId));
          const next = socket.subscribe(SUBSCRIPTION).next();
          // Ends with the server.
          next.then(
            () => heard.push(userId),
            () => undefined,
          );
          await socket.opened;
          return socket;
        }),
      );
      t.is(idle.length, IDLE);
      const events = api.socket(await tokenOf(alice)).subscribe(SUBSCRIPTION);
      const change = (status: string): Promise<unknown> =>
        owner.query("update app_public.accounts set sync_status = $1 where id = $2", [status, account.accountId]);
      const statuses = ["error", "active"];

      // Until it listens, and until what it was told meanwhile has come.
      let waits = events.next();
      const state = { isThere: false };
      void waits.then(() => (state.isThere = true));
      for (let n = 0; !state.isThere; n += 1) await change(statuses[n % 2] ?? "");
      waits = events.next();
      await change("error");
      await waits;

      const before = api.statements();
      const times: number[] = [];
      for (let n = 0; n < CHANGES; n += 1) {
        const next = events.next();
        const started = performance.now();
        await change(statuses[(n + 1) % 2] ?? "");
        await next;
        times.push(performance.now() - started);
      }
      const sorted = times.toSorted((a, b) => a - b);
      t.log(
        `from the change to its subscriber: median ${sorted[CHANGES / 2]?.toFixed(1)} ms, ` +
          `95th percentile ${sorted[CHANGES * 0.95]?.toFixed(1)} ms, with ${IDLE} others waiting`,
      );

      t.true(api.statements() - before <= 4 * (CHANGES + 1), "begin, who asks, the account, commit");
      t.is(api.listening(), 1);
      t.is(
        await valueOf(
          await cloned.connect(),
          `select count(*)::int from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid() and query ilike 'listen%'`,
        ),
        1,
      );
      t.deepEqual(heard, []);
    },
    { rateLimits: { user: 10_000, address: 10_000 } },
  ),
);
