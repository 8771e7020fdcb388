import type { Pool } from "pg";
import { z } from "zod";

/** A worker that was killed, its pools, and the accounts that they held at that moment. */
export type Killed = { where: string; at: string; pools: string[]; accounts: string[] };

/** One account that a killed worker held, and how many seconds later it was held again; null for one that never was. */
export type Recovery = { accountId: string; killedAt: string; where: string; seconds: number | null };

/** Each account of each kill, until its next run. Machine time. */
export async function recoveries(owner: Pool, killed: readonly Killed[]): Promise<Recovery[]> {
  const found: Recovery[] = [];
  for (const { where, at, pools, accounts } of killed) {
    const { rows } = await owner.query(
      `select held.account_id, extract(epoch from again.at - $2::timestamptz)::double precision as seconds
       from unnest($1::uuid[]) as held (account_id)
       left join lateral (
         select l.at
         from soak.leases l
         where l.account_id = held.account_id and l.at > $2::timestamptz and l.held_by <> all ($3)
         order by l.at
         limit 1
       ) again on true`,
      [accounts, at, pools],
    );
    for (const { account_id, seconds } of z.array(timeRow).parse(rows)) {
      const rounded = seconds === null ? null : Math.round(seconds * 10) / 10;
      found.push({ accountId: account_id, killedAt: at, where, seconds: rounded });
    }
  }
  return found;
}

const timeRow = z.object({ account_id: z.string(), seconds: z.number().nullable() });

/** What became of the account from a minute before the kill until a moment after it was held again. */
export async function storyOf(owner: Pool, { accountId, killedAt, seconds }: Recovery): Promise<string[]> {
  const { rows } = await owner.query(
    `select format('%s run %s, epoch %s, held by %s, next sync at %s, claimed until %s', l.at, coalesce(l.run_id::text, 'none'),
       l.epoch, coalesce(l.held_by, 'nobody'), l.next_sync_at, coalesce(l.enqueued_until::text, 'never')) as line
     from soak.leases l
     where l.account_id = $1
       and l.at between $2::timestamptz - interval '1 minute' and $2::timestamptz + interval '1 second' * ($3::float8 + 1)
     order by l.id limit 60`,
    [accountId, killedAt, seconds ?? 60],
  );
  return z
    .array(z.object({ line: z.string() }))
    .parse(rows)
    .map(({ line }) => line);
}

/** Null of none. */
export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
