import type { Pool } from "pg";
import { z } from "zod";

/** A worker that was killed, and the accounts that it held at that moment. */
export type Killed = { where: string; at: string; accounts: string[] };

/**
 * Seconds from each kill to the next run of each account that the killed worker held; null for one that never ran
 * again. Machine time.
 */
export async function recoveries(owner: Pool, killed: readonly Killed[]): Promise<(number | null)[]> {
  const times: (number | null)[] = [];
  for (const { at, accounts } of killed) {
    const { rows } = await owner.query(
      `select extract(epoch from min(l.at) - $2::timestamptz)::double precision as seconds
       from unnest($1::uuid[]) as held (account_id)
       left join soak.leases l on l.account_id = held.account_id and l.held_by is not null and l.at > $2::timestamptz
       group by held.account_id`,
      [accounts, at],
    );
    const found = z.array(z.object({ seconds: z.number().nullable() })).parse(rows);
    times.push(...found.map(({ seconds }) => (seconds === null ? null : Math.round(seconds * 10) / 10)));
  }
  return times;
}

/** Null of none. */
export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
