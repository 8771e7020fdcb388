import type { Pool } from "pg";
import { z } from "zod";
import type { Violation } from "./violation.ts";

/**
 * Watches the database from within: triggers that write down, in the transaction of the change itself, whatever no run
 * may do. The violations of a transaction that was rolled back are gone with it, as they should be.
 */
const AUDIT = `
create table soak.violations (
  id bigint generated always as identity primary key,
  invariant text not null,
  account_id uuid,
  detail text not null,
  at timestamptz not null default clock_timestamp()
);
create table soak.leases (
  id bigint generated always as identity primary key,
  account_id uuid not null,
  run_id bigint,
  epoch integer not null,
  held_by text,
  next_sync_at timestamptz,
  enqueued_until timestamptz,
  at timestamptz not null default clock_timestamp()
);
create index on soak.leases (account_id, at);

create function soak.watch_accounts() returns trigger language plpgsql security definer as $$
begin
  if not exists (
    select from app_public.sync_logs l
    where l.account_id = new.id and l.status = 'success' and l.sync_completed_at = new.last_synced_at
      and l.xmin = pg_current_xact_id()::xid
  ) then
    insert into soak.violations (invariant, account_id, detail)
    values ('last_synced_at', new.id, format('moved from %s to %s without a success', old.last_synced_at, new.last_synced_at));
  end if;
  return null;
end $$;
create trigger soak after update on app_public.accounts for each row
  when (old.last_synced_at is distinct from new.last_synced_at) execute function soak.watch_accounts();

create function soak.watch_logs() returns trigger language plpgsql security definer as $$
begin
  insert into soak.violations (invariant, account_id, detail)
  values ('closed_run', new.account_id, format('run %s was %s and became %s, %s new', new.id, old.status, new.status, new.new_count));
  return null;
end $$;
create trigger soak after update on app_public.sync_logs for each row
  when (old.status <> 'in_progress') execute function soak.watch_logs();

create function soak.watch_transactions() returns trigger language plpgsql security definer as $$
begin
  if not exists (
    select from app_private.sync_states s
    where s.account_id = new.account_id and s.run_id = new.run_id and s.held_by is not null
  ) then
    insert into soak.violations (invariant, account_id, detail)
    values ('fence', new.account_id, format('%s was written by run %s, which does not hold the account', new.provider_transaction_id, new.run_id));
  end if;
  return null;
end $$;
create trigger soak after insert or update on app_public.transactions for each row execute function soak.watch_transactions();

create function soak.watch_coverage() returns trigger language plpgsql security definer as $$
begin
  if not exists (
    select from app_private.sync_states s where s.account_id = new.account_id and s.held_by is not null
  ) then
    insert into soak.violations (invariant, account_id, detail)
    values ('fence', new.account_id, format('coverage of %s grew to %s while nobody held the account', new.source, new.settled));
  end if;
  return null;
end $$;
create trigger soak after update on app_private.coverage for each row execute function soak.watch_coverage();

create function soak.watch_states() returns trigger language plpgsql security definer as $$
begin
  insert into soak.leases (account_id, run_id, epoch, held_by, next_sync_at, enqueued_until)
  values (new.account_id, new.run_id, new.epoch, new.held_by, new.next_sync_at, new.enqueued_until);
  if new.held_by is not null and (old.run_id, old.epoch, old.held_by) is distinct from (new.run_id, new.epoch, new.held_by)
    and (old.held_by is not null or new.epoch <= old.epoch)
  then
    insert into soak.violations (invariant, account_id, detail)
    values ('double_run', new.account_id, format('%s (run %s, epoch %s) took it while %s held it (run %s, epoch %s)',
      new.held_by, new.run_id, new.epoch, coalesce(old.held_by, 'nobody'), old.run_id, old.epoch));
  end if;
  return null;
end $$;
create trigger soak after update on app_private.sync_states for each row
  when ((old.run_id, old.epoch, old.held_by, old.next_sync_at, old.enqueued_until) is distinct from
    (new.run_id, new.epoch, new.held_by, new.next_sync_at, new.enqueued_until))
  execute function soak.watch_states();
`;

const violationRow = z.object({
  invariant: z.enum(["last_synced_at", "closed_run", "fence", "double_run"]),
  account_id: z.string(),
  detail: z.string(),
});

/**
 * @param login may create a schema in the database, and become app_owner
 */
export async function installAudit(login: Pool): Promise<void> {
  const client = await login.connect();
  try {
    await client.query("create schema soak authorization app_owner");
    await client.query("set role app_owner");
    await client.query(AUDIT);
    await client.query("reset role");
  } finally {
    client.release();
  }
}

/** What the audit found so far, oldest first. */
export async function auditedViolations(owner: Pool): Promise<Violation[]> {
  const { rows } = await owner.query("select invariant, account_id, detail from soak.violations order by id");
  return z
    .array(violationRow)
    .parse(rows)
    .map(({ invariant, account_id: accountId, detail }) => ({ invariant, accountId, detail }));
}
