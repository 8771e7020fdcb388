import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { z } from "zod";
import type { BenchDatabase } from "./bench_database.ts";
import { cpuMilliseconds } from "./process_cpu.ts";

/** What people would pick instead: pg-boss, or a plain loop over the accounts that are due. */
export const peerName = z.enum(["pgboss", "cron_loop"]);
export type PeerName = z.infer<typeof peerName>;

/** Makes the peers' tables, with as many accounts, and transactions with our columns and indexes. */
export async function preparePeers({ admin }: BenchDatabase, accounts: number): Promise<void> {
  await admin.query(`
    create schema if not exists peer;
    drop table if exists peer.sync_logs, peer.transactions, peer.accounts;
    create table peer.accounts (
      id uuid primary key default gen_random_uuid(),
      lease_id uuid,
      leased_until timestamptz,
      next_sync_at timestamptz not null default now(),
      last_sync_attempt timestamptz,
      last_synced_at timestamptz,
      failures integer not null default 0
    );
    create index on peer.accounts (next_sync_at);
    create table peer.sync_logs (
      id bigint generated always as identity primary key,
      account_id uuid not null references peer.accounts,
      status text not null,
      started_at timestamptz not null,
      completed_at timestamptz,
      seen integer,
      written integer,
      error text
    );
    create index on peer.sync_logs (account_id, started_at);
    create table peer.transactions (like app_public.transactions including all);
    alter table peer.transactions add foreign key (account_id) references peer.accounts on delete cascade`);
  await admin.query("insert into peer.accounts select from generate_series(1, $1::int)", [accounts]);
  await admin.query("analyze peer.accounts");
}

const done = z.object({ syncs: z.number(), seconds: z.number(), cpuMs: z.number() });

/** Syncs a second, and milliseconds of processor time that a sync took in the peer's process and in Postgres. */
export type PeerRun = { rate: number; nodeMs: number; postgresMs: number };

/** Makes every account of the peers due, and lets one of them work until none is. */
export async function runPeer(
  { admin, url, processId }: BenchDatabase,
  peer: PeerName,
  options: { baseUrl: string; concurrency: number; start: string; end: string },
): Promise<PeerRun> {
  await admin.query("update peer.accounts set next_sync_at = now() - interval '1 hour' * random()");
  const child = fork(join(import.meta.dirname, "peer_process.ts"));
  await once(child, "message");
  const answer = once(child, "message");
  const before = (await cpuMilliseconds([processId])) ?? NaN;
  child.send({ databaseUrl: url, peer, ...options });
  const { syncs, seconds, cpuMs } = done.parse((await answer)[0]);
  const postgresMs = ((await cpuMilliseconds([processId])) ?? NaN) - before;
  return { rate: syncs / seconds, nodeMs: cpuMs / syncs, postgresMs: postgresMs / syncs };
}
