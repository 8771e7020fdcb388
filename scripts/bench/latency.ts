import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "graphql-ws";
import { z } from "zod";
import type { Bench } from "./bench.ts";
import { dispatchAll, linkAccounts, syncAllDue } from "./bench_accounts.ts";
import { startBenchServer, type BenchServer } from "./bench_server.ts";
import { onStage, type BenchStage } from "./bench_stage.ts";
import { fillFleet } from "./fleet.ts";
import { median, quantile, rounded } from "./numbers.ts";

const LATENCY_MS = 100;

export const latency: Bench = {
  question: "How long from Sync now to the job's start and to the first event, idle and behind a long queue?",
  run: ({ short, say }) =>
    onStage(async (stage) => {
      const { database, provider } = stage;
      const taps = short ? 10 : 40;
      await provider.answerWith({ pageSize: 100, rowsPerWindow: 5 }, LATENCY_MS);
      await fillFleet(database, short ? 4_000 : 62_500);
      await linkAccounts(database, 2 * taps, 3, "tapped");
      const tapped = await tappedAccounts(stage);
      const server = await startBenchServer(stage.environment);
      try {
        // Not those of the fleet: their turn comes with the queue.
        await database.admin.query(
          "update app_private.sync_states set next_sync_at = next_sync_at + interval '1 day' where account_id <> all ($1::uuid[])",
          [tapped.map(({ accountId }) => accountId)],
        );
        await stage.startWorkers({ many: 1, concurrency: 16 });
        await syncAllDue(database);
        await database.admin.query(
          "update app_public.accounts set last_sync_attempt = null where id = any ($1::uuid[])",
          [tapped.map(({ accountId }) => accountId)],
        );
        const idle = await tapAll(stage, server, tapped.slice(0, taps));
        await database.admin.query(
          "update app_private.sync_states set next_sync_at = app_private.clock() - interval '1 hour' * random() where account_id <> all ($1::uuid[])",
          [tapped.map(({ accountId }) => accountId)],
        );
        const queued = await dispatchAll(database.worker);
        const behind = await tapAll(stage, server, tapped.slice(taps));
        say(
          `idle: start ${rounded(median(idle.starts))} ms, first event ${rounded(median(idle.events))} ms; ` +
            `with ${queued} queued: start ${rounded(median(behind.starts))} ms (p95 ${rounded(quantile(behind.starts, 0.95))}), ` +
            `first event ${rounded(median(behind.events))} ms (medians)`,
        );
        return {
          idle_start_ms: median(idle.starts),
          queued_start_ms: median(behind.starts),
          event_p95_ms: quantile(idle.events, 0.95),
        };
      } finally {
        await server.stop();
      }
    }),
};

const accountRows = z.array(z.object({ id: z.string(), user_id: z.string() }));

async function tappedAccounts({ database }: BenchStage): Promise<{ accountId: string; userId: string }[]> {
  const { rows } = await database.admin.query(
    "select id, user_id from app_public.accounts where mono_account_id in (select md5('tapped' || n) from generate_series(1, 1000) n)",
  );
  return accountRows.parse(rows).map(({ id, user_id }) => ({ accountId: id, userId: user_id }));
}

const delay = z.tuple([z.object({ ms: z.coerce.number() })]);

/**
 * One tap after the other. A start is from the transaction that takes the tap to the one that opens the run, by the
 * database's clock; an event from the tap to its arrival at a subscriber of the API.
 */
async function tapAll(
  { database }: BenchStage,
  server: BenchServer,
  accounts: readonly { accountId: string; userId: string }[],
): Promise<{ starts: number[]; events: number[] }> {
  const starts: number[] = [];
  const events: number[] = [];
  for (const { accountId, userId } of accounts) {
    const token = await server.tokenOf(userId);
    const client = createClient({
      url: `${server.url.replace("http", "ws")}/graphql`,
      lazy: false,
      retryAttempts: 0,
      connectionParams: { authorization: `Bearer ${token}` },
    });
    const changes = client.iterate({ query: "subscription { myAccountChanged { accountId } }" });
    const change = changes.next();
    // The subscription must stand before the tap; who subscribes later asks for the state anyway.
    await pause(100);
    const tappedAt = performance.now();
    await server.ask("RequestSync", { accountId, idempotencyKey: randomUUID() }, token);
    await change;
    events.push(performance.now() - tappedAt);
    const { rows } = await database.admin.query(
      `select 1000 * extract(epoch from l.sync_started_at - k.created_at) as ms
       from app_private.idempotency_keys k
       join app_public.sync_logs l on l.account_id = k.account_id and l.sync_started_at >= k.created_at
       where k.account_id = $1 order by l.id limit 1`,
      [accountId],
    );
    starts.push(delay.parse(rows)[0].ms);
    await client.dispose();
  }
  return { starts, events };
}
