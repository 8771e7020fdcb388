import type { Bench } from "./bench.ts";
import { linkAccounts, nextDay, syncAllDue, today } from "./bench_accounts.ts";
import { onStage } from "./bench_stage.ts";
import { countDatabaseWork } from "./database_work.ts";
import { startFloor } from "./floor.ts";
import { median, rounded } from "./numbers.ts";
import { cpuMilliseconds } from "./process_cpu.ts";

/** One process a core that Postgres leaves free; the floor has the same. */
const WORKERS = { many: 1, concurrency: Number(process.env["C"] ?? 32) };

/** A window of four or five days, as a daily sync asks for, holds this many rows. */
const ROWS = 5;

/** The rows of the first day are in the windows of the next four. */
const ROUNDS = 4;

export const quiet: Bench = {
  question:
    "How many syncs a second when nothing is new, against the bare requests and against what people would pick?",
  run: ({ short, say }) =>
    onStage(async ({ database, provider, startWorkers }) => {
      const accounts = short ? 2_000 : 8_000;
      await linkAccounts(database, accounts, 3);
      const firstDay = await today(database.admin);
      await provider.answerWith({ pageSize: 100, rowsPerWindow: ROWS, onDay: firstDay });
      const workers = await startWorkers(WORKERS);
      const floor = await startFloor(WORKERS);
      try {
        await syncAllDue(database);
        const requests = {
          baseUrl: provider.url,
          start: firstDay.split("-").toReversed().join("-"),
          end: firstDay.split("-").toReversed().join("-"),
        };
        await floor.send(accounts / 4, requests);
        const ratios: number[] = [];
        const work: { roundTrips: number; walBytes: number; httpRequests: number }[] = [];
        for (let round = 0; round < (short ? 2 : ROUNDS); round += 1) {
          const bare = await floor.send(accounts, requests);
          await nextDay(database);
          await database.admin.query("vacuum");
          const asked = await provider.requests();
          const told = await countDatabaseWork(database);
          const cpu = {
            node: await cpuMilliseconds(workers.processIds),
            postgres: await cpuMilliseconds([database.processId]),
          };
          const { syncs, seconds } = await syncAllDue(database);
          const spent = {
            node: ((await cpuMilliseconds(workers.processIds)) ?? NaN) - (cpu.node ?? NaN),
            postgres: ((await cpuMilliseconds([database.processId])) ?? NaN) - (cpu.postgres ?? NaN),
          };
          const { roundTrips, walBytes } = await told();
          work.push({
            roundTrips: roundTrips / syncs,
            walBytes: walBytes / syncs,
            httpRequests: ((await provider.requests()) - asked) / syncs,
          });
          ratios.push(syncs / seconds / (accounts / bare.seconds));
          say(
            `${rounded(syncs / seconds)} quiet syncs a second, ${rounded(accounts / bare.seconds)} bare requests; ` +
              `processor time a sync: ${rounded(spent.node / syncs)} ms in workers, ${rounded(spent.postgres / syncs)} ms in Postgres; ` +
              `${rounded(roundTrips / syncs)} round trips, ${rounded(walBytes / syncs)} bytes of WAL`,
          );
        }
        return {
          ratio_to_floor: median(ratios),
          round_trips_per_sync: median(work.map(({ roundTrips }) => roundTrips)),
          wal_bytes_per_sync: median(work.map(({ walBytes }) => walBytes)),
          http_requests_per_sync: median(work.map(({ httpRequests }) => httpRequests)),
        };
      } finally {
        await floor.close();
      }
    }),
};
