import type { Bench } from "./bench.ts";
import { linkAccounts, nextDay, syncAllDue, today } from "./bench_accounts.ts";
import { onStage } from "./bench_stage.ts";
import { countDatabaseWork, countWithinFunctions, heaviestStatements } from "./database_work.ts";
import { startFloor } from "./floor.ts";
import { median, rounded } from "./numbers.ts";
import { preparePeers, runPeer } from "./peers.ts";
import { processorTime } from "./process_cpu.ts";

/** One process a core that Postgres leaves free, which mostly waits for providers: many at once. The floor and the peers have the same. */
const WORKERS = { many: 1, concurrency: 64 };

/** A window of four or five days, as a daily sync asks for, holds this many rows. */
const ROWS = 5;

/** The rows of the first day are in the windows of the next four. */
const ROUNDS = 4;

export const quiet: Bench = {
  question:
    "How many syncs a second when nothing is new, against the bare requests and against what people would pick?",
  run: ({ short, profile, say }) =>
    onStage(async ({ database, provider, startWorkers }) => {
      if (profile) await countWithinFunctions(database);
      const accounts = short ? 500 : 4_000;
      await linkAccounts(database, accounts, 3);
      await preparePeers(database, accounts);
      const firstDay = await today(database.admin);
      await provider.answerWith({ pageSize: 100, rowsPerWindow: ROWS, onDay: firstDay });
      const workers = await startWorkers(WORKERS);
      const floor = await startFloor(WORKERS);
      try {
        await syncAllDue(database);
        const monoDay = firstDay.split("-").toReversed().join("-");
        const requests = { baseUrl: provider.url, start: monoDay, end: monoDay };
        const peers = { ...requests, concurrency: WORKERS.concurrency };
        // Its rows are new to them as well, once.
        await runPeer(database, "cron_loop", peers);
        await floor.send(accounts / 4, requests);
        const ratios: { toFloor: number; pgboss: number; cronLoop: number }[] = [];
        const work: { roundTrips: number; walBytes: number; httpRequests: number }[] = [];
        for (let round = 0; round < (short ? 2 : ROUNDS); round += 1) {
          const bare = await floor.send(accounts, requests);
          await nextDay(database);
          await database.admin.query("vacuum (analyze)");
          const asked = await provider.requests();
          const told = await countDatabaseWork(database);
          const before = await processorTime(workers.processIds, database.processId);
          const { syncs, seconds } = await syncAllDue(database);
          const after = await processorTime(workers.processIds, database.processId);
          const spent = { node: after.node - before.node, postgres: after.postgres - before.postgres };
          const { roundTrips, walBytes } = await told();
          if (profile) for (const line of await heaviestStatements(database)) say(line);
          work.push({
            roundTrips: roundTrips / syncs,
            walBytes: walBytes / syncs,
            httpRequests: ((await provider.requests()) - asked) / syncs,
          });
          const ours = syncs / seconds;
          const pgboss = await runPeer(database, "pgboss", peers);
          const cronLoop = await runPeer(database, "cron_loop", peers);
          ratios.push({
            toFloor: (ours * bare.seconds) / accounts,
            pgboss: ours / pgboss.rate,
            cronLoop: ours / cronLoop.rate,
          });
          say(
            `${rounded(ours)} quiet syncs a second, ${rounded(accounts / bare.seconds)} bare requests, ` +
              `${rounded(pgboss.rate)} on pg-boss, ${rounded(cronLoop.rate)} by a cron loop; ` +
              `processor time a sync: ${rounded(spent.node / syncs)} ms in workers, ${rounded(spent.postgres / syncs)} ms in Postgres ` +
              `(pg-boss ${rounded(pgboss.nodeMs)} and ${rounded(pgboss.postgresMs)}, cron loop ${rounded(cronLoop.nodeMs)} and ${rounded(cronLoop.postgresMs)}); ` +
              `${rounded(roundTrips / syncs)} round trips, ${rounded(walBytes / syncs)} bytes of WAL`,
          );
        }
        return {
          ratio_to_floor: median(ratios.map(({ toFloor }) => toFloor)),
          round_trips_per_sync: median(work.map(({ roundTrips }) => roundTrips)),
          wal_bytes_per_sync: median(work.map(({ walBytes }) => walBytes)),
          http_requests_per_sync: median(work.map(({ httpRequests }) => httpRequests)),
          ratio_to_pgboss: median(ratios.map(({ pgboss }) => pgboss)),
          ratio_to_cron_loop: median(ratios.map(({ cronLoop }) => cronLoop)),
        };
      } finally {
        await floor.close();
      }
    }),
};
