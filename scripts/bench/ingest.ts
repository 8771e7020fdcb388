import type { Bench } from "./bench.ts";
import { linkAccounts, linkBystanders, syncAllDue, today } from "./bench_accounts.ts";
import { onStage } from "./bench_stage.ts";
import { runIngestWay } from "./ingest_ways.ts";
import { median, rounded } from "./numbers.ts";
import { preparePeers, runPeer } from "./peers.ts";
import { countDatabaseWork, countWithinFunctions, heaviestStatements } from "./database_work.ts";
import { processorTime } from "./process_cpu.ts";

/** As many as `quiet` has. With 16, accounts that wait for each other to share calls leave a fifth of two cores idle. */
const CONCURRENCY = 64;
const PAGES = 10;

export const ingest: Bench = {
  question: "How many new transactions a second, against COPY in one stream and against the ways people write it?",
  run: ({ short, profile, say }) =>
    onStage(async ({ database, provider, startWorkers }) => {
      if (profile) await countWithinFunctions(database);
      const accounts = short ? 96 : 240;
      const rows = accounts * PAGES * 100;
      await provider.answerWith({ pageSize: 100, rowsPerWindow: PAGES * 100 });
      const workers = await startWorkers({ many: 1, concurrency: CONCURRENCY });
      const monoDay = (await today(database.admin)).split("-").toReversed().join("-");
      const other = { baseUrl: provider.url, pages: PAGES, concurrency: CONCURRENCY, start: monoDay, end: monoDay };
      // Not into an empty table: Postgres would plan for one, and no installation has it for long.
      await linkBystanders(database);
      await linkAccounts(database, 10, 3, "warm-up");
      await syncAllDue(database);
      await database.admin.query("analyze");
      const rounds: { floor: number; rowUpserts: number; doNothing: number; pgboss: number; cronLoop: number }[] = [];
      const perAccount = PAGES * 100;
      for (let round = 0; round < (short ? 2 : 5); round += 1) {
        const copied = await runIngestWay(database, "copy", { ...other, accounts });
        await linkAccounts(database, accounts, 3, `round ${round}`);
        await countDatabaseWork(database);
        const before = await processorTime(workers.processIds, database.processId);
        const { syncs, seconds } = await syncAllDue(database);
        // The dispatcher's own minute came in between.
        if (syncs < accounts)
          throw new Error(`${accounts - syncs} accounts were synced before the clock was started: run it again`);
        const after = await processorTime(workers.processIds, database.processId);
        if (profile) for (const line of await heaviestStatements(database)) say(line);
        const saved = rows / seconds;
        const upserted = await runIngestWay(database, "row_upserts", { ...other, accounts: Math.ceil(accounts / 8) });
        const batched = await runIngestWay(database, "do_nothing_batches", { ...other, accounts });
        await preparePeers(database, accounts);
        const boss = await runPeer(database, "pgboss", other);
        await preparePeers(database, accounts);
        const loop = await runPeer(database, "cron_loop", other);
        const pgboss = perAccount * boss.rate;
        const cronLoop = perAccount * loop.rate;
        rounds.push({
          floor: saved / copied,
          rowUpserts: saved / upserted,
          doNothing: saved / batched,
          pgboss: saved / pgboss,
          cronLoop: saved / cronLoop,
        });
        say(
          `rows a second: ${rounded(saved)} by mono_sync, ${rounded(copied)} by COPY, ${rounded(batched)} by DO NOTHING ` +
            `in batches of 500, ${rounded(upserted)} by one upsert a row, ${rounded(pgboss)} on pg-boss, ${rounded(cronLoop)} by a cron loop; ` +
            `processor time a page: ${rounded((after.node - before.node) / (rows / 100))} ms in workers, ` +
            `${rounded((after.postgres - before.postgres) / (rows / 100))} ms in Postgres ` +
            `(pg-boss ${rounded(boss.nodeMs / PAGES)} and ${rounded(boss.postgresMs / PAGES)}, ` +
            `cron loop ${rounded(loop.nodeMs / PAGES)} and ${rounded(loop.postgresMs / PAGES)})`,
        );
      }
      return {
        ratio_to_floor: median(rounds.map(({ floor }) => floor)),
        ratio_to_row_upserts: median(rounds.map(({ rowUpserts }) => rowUpserts)),
        ratio_to_do_nothing_batches: median(rounds.map(({ doNothing }) => doNothing)),
        ratio_to_pgboss: median(rounds.map(({ pgboss }) => pgboss)),
        ratio_to_cron_loop: median(rounds.map(({ cronLoop }) => cronLoop)),
      };
    }),
};
