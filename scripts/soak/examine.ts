import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import type { Queryable } from "../../db/queryable.ts";
import type { Member, Providers } from "./cast.ts";
import { compareBank, compareReferences, compareStatement, type Days, type Differences } from "./oracle.ts";
import type { Violation } from "./violation.ts";

const coverageRow = z.object({
  history_start: z.string(),
  /** Half-open ranges of days. */
  settled: z.array(z.tuple([z.string(), z.string()])),
});

async function readCoverage(db: Queryable, { accountId }: Member) {
  const { rows } = await db.query(
    `select history_start::text, coalesce(
       (select json_agg(json_build_array(lower(days), upper(days))) from unnest(settled) days), '[]'
     ) as settled
     from app_private.coverage where account_id = $1`,
    [accountId],
  );
  return z.array(coverageRow).parse(rows)[0];
}

/** Everything that was ever asked for, against what the provider has at this moment. Says nothing while syncs are due. */
export async function differencesOf(owner: Pool, providers: Providers, member: Member): Promise<Violation[]> {
  const coverage = await readCoverage(owner, member);
  const found =
    coverage === undefined
      ? []
      : asViolations(
          member,
          await described(owner, providers, member, await compare(owner, providers, member, coverage.history_start)),
        );
  if (member.platform === "mono") return found;
  const truth = providers.momo.truth(member.externalId);
  return [...found, ...asViolations(member, await compareReferences(owner, member.accountId, truth))];
}

/** Days that count as complete and are not, at any moment: late or changed rows must not be able to reach them. */
export async function coverageLies(owner: Pool, providers: Providers, member: Member): Promise<Violation[]> {
  const client = await owner.connect();
  try {
    // One snapshot: a run may be saving at this very moment.
    await client.query("begin isolation level repeatable read read only");
    return await liesIn(client, providers, member);
  } finally {
    await client.query("rollback");
    client.release();
  }
}

async function liesIn(client: PoolClient, providers: Providers, member: Member): Promise<Violation[]> {
  const coverage = await readCoverage(client, member);
  if (coverage === undefined || coverage.settled.length === 0) return [];
  const isSettled = (day: string): boolean =>
    day >= coverage.history_start && coverage.settled.some(([from, to]) => from <= day && day < to);
  const { missing, duplicated, different } = await compare(client, providers, member, isSettled);
  const lies = [
    ...missing.map((row) => `${describeRow(providers, member, row)} is missing`),
    ...duplicated.map((row) => `${row} is not the provider's`),
    ...different,
  ];
  return lies.map((lie) => ({
    invariant: "coverage",
    accountId: member.accountId,
    detail: `a day that counts as complete is not: ${lie}`,
  }));
}

/** The same, so that a reader knows what sort of row it is and since when it is one. */
async function described(owner: Pool, providers: Providers, member: Member, found: Differences): Promise<Differences> {
  const { rows } = await owner.query(
    `select provider_transaction_id as id, format('%s of %s, %s %s, since %s', provider_transaction_id, occurred_on, amount, narration, first_seen_at) as detail
     from app_public.transactions where account_id = $1 and provider_transaction_id = any ($2)`,
    [member.accountId, found.duplicated],
  );
  const stored = new Map(
    z
      .array(storedDetail)
      .parse(rows)
      .map(({ id, detail }) => [id, detail]),
  );
  return {
    missing: found.missing.map((id) => describeRow(providers, member, id)),
    duplicated: found.duplicated.map((id) => stored.get(id) ?? id),
    different: found.different,
  };
}

const storedDetail = z.object({ id: z.string(), detail: z.string() });

/** When a bank's row came: a posting later than the overlap allows would be the soak's own mistake. */
function describeRow({ mono }: Providers, member: Member, id: string): string {
  if (member.platform !== "mono") return id;
  const row = mono.truth(member.externalId).transactions.find((each) => each.id === id);
  if (row === undefined) return id;
  return `${id} of ${row.day}, ${row.amount} ${row.narration}, shown since ${new Date(row.visibleAt).toISOString()},`;
}

function compare(db: Queryable, { mono, momo }: Providers, member: Member, days: Days): Promise<Differences> {
  return member.platform === "mono"
    ? compareBank(db, member.accountId, mono.truth(member.externalId), days)
    : compareStatement(db, member.accountId, momo.truth(member.externalId), days);
}

function asViolations({ accountId }: Member, { missing, duplicated, different }: Differences): Violation[] {
  return [
    ...missing.map((detail): Violation => ({ invariant: "missing", accountId, detail })),
    ...duplicated.map((detail): Violation => ({ invariant: "duplicated", accountId, detail })),
    ...different.map((detail): Violation => ({ invariant: "different", accountId, detail })),
  ];
}

const lateRow = z.object({ account_id: z.string(), detail: z.string() });

/**
 * Accounts that did not come back: every one must have succeeded since `since`, be active and have no run open.
 *
 * @param since business time at which the last fault ended
 */
export async function stuckAccounts(owner: Pool, since: Date): Promise<Violation[]> {
  const { rows } = await owner.query(
    `select a.id as account_id, format(
       'status %s, last success %s, last attempt %s, next %s, enqueued until %s, run %s held by %s, %s failures, last %s',
       a.sync_status, a.last_synced_at, a.last_sync_attempt, s.next_sync_at, s.enqueued_until, s.run_id, s.held_by,
       s.failures, s.last_failure_kind
     ) as detail
     from app_public.accounts a
     join app_private.sync_states s on s.account_id = a.id
     where a.last_synced_at is null or a.last_synced_at < $1 or a.sync_status <> 'active' or s.run_id is not null
       or s.failures > 0`,
    [since.toISOString()],
  );
  return z
    .array(lateRow)
    .parse(rows)
    .map(({ account_id: accountId, detail }) => ({ invariant: "stuck", accountId, detail }));
}

/** What led to it: the account's last runs. */
export async function lastRuns(owner: Pool, accountId: string): Promise<string[]> {
  const { rows } = await owner.query(
    `select format('run %s %s from %s to %s: %s pages, %s seen, %s new, %s changed, %s removed; %s %s %s', id, status,
       sync_started_at, sync_completed_at, pages, seen_count, new_count, changed_count, removed_count, failure_kind,
       platform_specific_error, windows) as line
     from app_public.sync_logs where account_id = $1 order by id desc limit 12`,
    [accountId],
  );
  return z
    .array(z.object({ line: z.string() }))
    .parse(rows)
    .map(({ line }) => line);
}
