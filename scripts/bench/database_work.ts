import { z } from "zod";
import type { BenchDatabase } from "./bench_database.ts";

const counted = z.tuple([z.object({ calls: z.coerce.number() })]);
const position = z.tuple([z.object({ lsn: z.string() })]);
const written = z.tuple([z.object({ bytes: z.coerce.number() })]);

/** What the workers asked of Postgres, and what it wrote to its log because of it. */
export type DatabaseWork = { roundTrips: number; walBytes: number };

/** Begins to count; the answered function tells what was done since. Vacuum's own writing is among it. */
export async function countDatabaseWork({ admin }: BenchDatabase): Promise<() => Promise<DatabaseWork>> {
  const lsn = async (): Promise<string> =>
    position.parse((await admin.query("select pg_current_wal_insert_lsn()::text as lsn")).rows)[0].lsn;
  await admin.query("select pg_stat_statements_reset()");
  const from = await lsn();
  return async () => {
    const to = await lsn();
    const calls = await admin.query(
      `select coalesce(sum(s.calls), 0) as calls
       from pg_stat_statements s join pg_roles r on r.oid = s.userid
       where r.rolname = 'app_worker' and s.toplevel`,
    );
    // Full-page images are left out: how many there are is a matter of when checkpoints come.
    const wal = await admin.query(
      "select coalesce(sum(record_size), 0) as bytes from pg_get_wal_stats($1::pg_lsn, $2::pg_lsn) where count > 0",
      [from, to],
    );
    return { roundTrips: counted.parse(calls.rows)[0].calls, walBytes: written.parse(wal.rows)[0].bytes };
  };
}

/**
 * From here on Postgres counts what functions ask, and the time of planning. Only for a profile: who asks much within
 * functions pays for the counting, and rates would compare that.
 */
export async function countWithinFunctions({ admin }: BenchDatabase): Promise<void> {
  await admin.query("alter system set pg_stat_statements.track = 'all'");
  await admin.query("alter system set pg_stat_statements.track_planning = on");
  await admin.query("select pg_reload_conf()");
}

const statements = z.array(
  z.object({ calls: z.coerce.number(), ms: z.coerce.number(), planning: z.coerce.number(), query: z.string() }),
);

/** What took Postgres's time since counting began: the heaviest statements, of workers and of functions alike. */
export async function heaviestStatements({ admin }: BenchDatabase, many = 25): Promise<string[]> {
  const { rows } = await admin.query(
    `select s.calls, s.total_exec_time + s.total_plan_time as ms, s.total_plan_time as planning,
       case when s.toplevel then '' else '  in a function: ' end || left(regexp_replace(s.query, '\\s+', ' ', 'g'), 150) as query
     from pg_stat_statements s join pg_roles r on r.oid = s.userid
     where r.rolname <> 'postgres' order by 2 desc limit $1`,
    [many],
  );
  return statements
    .parse(rows)
    .map(
      ({ calls, ms, planning, query }) =>
        `${ms.toFixed(0).padStart(7)} ms, ${planning.toFixed(0).padStart(5)} of it planning ${calls.toString().padStart(7)} calls  ${query}`,
    );
}
