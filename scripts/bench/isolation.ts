import type { Bench } from "./bench.ts";
import { dispatchAll, makeAllDue } from "./bench_accounts.ts";
import { startBenchServer, type BenchServer } from "./bench_server.ts";
import { onStage } from "./bench_stage.ts";
import { fillFleet, someAccounts } from "./fleet.ts";
import { median, quantile, rounded } from "./numbers.ts";

export const isolation: Bench = {
  question: "What does sync at full load cost those who look at their accounts?",
  run: ({ short, say }) =>
    onStage(async ({ database, provider, environment, startWorkers }) => {
      const views = short ? 100 : 500;
      await provider.answerWith({ pageSize: 100, rowsPerWindow: 5 });
      await fillFleet(database, short ? 4_000 : 40_000);
      const people = await someAccounts(database.admin, 200);
      const server = await startBenchServer(environment);
      try {
        const users = await Promise.all(people.map(({ userId }) => server.tokenOf(userId)));
        await lookAt(server, users, views);
        await startWorkers({ many: 1, concurrency: 16 });
        const rounds: { idle: number; loaded: number }[] = [];
        for (let round = 0; round < (short ? 1 : 3); round += 1) {
          const idle = await lookAt(server, users, views);
          await makeAllDue(database);
          await dispatchAll(database.worker);
          const loaded = await lookAt(server, users, views);
          // What is left of the queue would be the next round's load. Locked in the order of the verbs, which still run.
          await database.admin.query(
            `with all_accounts as materialized (select account_id from app_private.sync_states order by account_id for no key update)
             update app_private.sync_states s set next_sync_at = s.next_sync_at + interval '1 day'
             from all_accounts where s.account_id = all_accounts.account_id`,
          );
          await database.admin.query("delete from graphile_worker._private_jobs where locked_at is null");
          rounds.push({ idle: quantile(idle, 0.99), loaded: quantile(loaded, 0.99) });
          say(
            `accounts page: idle p50 ${rounded(median(idle))} ms, p99 ${rounded(quantile(idle, 0.99))} ms; ` +
              `under load p50 ${rounded(median(loaded))} ms, p99 ${rounded(quantile(loaded, 0.99))} ms`,
          );
        }
        return { p99_ratio: median(rounds.map(({ idle, loaded }) => loaded / idle)) };
      } finally {
        await server.stop();
      }
    }),
};

/** The page's own question, one after the other, each by somebody else. Milliseconds. */
async function lookAt(server: BenchServer, tokens: readonly string[], views: number): Promise<number[]> {
  const times: number[] = [];
  for (let view = 0; view < views; view += 1) {
    const started = performance.now();
    await server.ask("Accounts", {}, tokens[view % tokens.length] ?? "");
    times.push(performance.now() - started);
  }
  return times;
}
