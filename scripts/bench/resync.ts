import { z } from "zod";
import type { Bench } from "./bench.ts";
import { linkAccounts, makeAllDue, syncAllDue } from "./bench_accounts.ts";
import type { BenchDatabase } from "./bench_database.ts";
import { onStage } from "./bench_stage.ts";
import { rounded } from "./numbers.ts";

const PAGES = 10;

export const resync: Bench = {
  question: "What do pages cost that bring nothing new: rows a second, bytes of WAL and dead tuples a row?",
  run: ({ short, say }) =>
    onStage(async ({ database, provider, startWorkers }) => {
      const accounts = short ? 30 : 100;
      const rows = accounts * PAGES * 100;
      // Three days of history, all of which the overlap keeps open: every sync reads the same ten pages again.
      await provider.answerWith({ pageSize: 100, rowsPerWindow: PAGES * 100 });
      await linkAccounts(database, accounts, 3);
      await startWorkers({ many: 1, concurrency: 16 });
      await syncAllDue(database);
      await makeAllDue(database);
      await database.admin.query("vacuum analyze");
      await database.admin.query("select pg_stat_statements_reset()");
      const before = await written(database);
      const { seconds } = await syncAllDue(database);
      const after = await written(database);
      say(`${rounded(rows / seconds)} unchanged rows a second`);
      return {
        wal_bytes_per_row: after.wal_bytes / rows,
        dead_tuples_per_row: (after.tuples - before.tuples) / rows,
        rows_per_second: rows / seconds,
      };
    }),
};

const work = z.tuple([z.object({ wal_bytes: z.coerce.number(), tuples: z.coerce.number() })]);

/** What saving pages wrote, and the tuples of its tables that were replaced or deleted. The run's own row is not a page's. */
async function written({ admin }: BenchDatabase): Promise<z.infer<typeof work>[0]> {
  const { rows } = await admin.query(
    `select
       (select coalesce(sum(wal_bytes), 0) from pg_stat_statements where query like '%app_private.save_transactions(%' and toplevel) as wal_bytes,
       (select sum(n_tup_upd + n_tup_del + n_dead_tup) from pg_stat_user_tables
        where relname in ('transactions', 'transaction_revisions', 'coverage')) as tuples`,
  );
  return work.parse(rows)[0];
}
