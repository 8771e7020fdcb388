import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { z } from "zod";
import type { BenchDatabase } from "./bench_database.ts";

/**
 * copy: the floor, the same bytes fetched, parsed by JSON.parse and COPYed in one stream. The others are how it is
 * written in the wild: one upsert for each row, and ON CONFLICT DO NOTHING in batches of 500.
 */
export const ingestWay = z.enum(["copy", "row_upserts", "do_nothing_batches"]);
export type IngestWay = z.infer<typeof ingestWay>;

const done = z.object({ seconds: z.number() });

/** Brings so many pages of 100 in, into an empty table with our columns and indexes, and answers rows a second. */
export async function runIngestWay(
  database: BenchDatabase,
  way: IngestWay,
  options: { baseUrl: string; accounts: number; pages: number; concurrency: number; start: string; end: string },
): Promise<number> {
  await database.admin.query("create schema if not exists bench");
  await database.admin.query("drop table if exists bench.transactions");
  await database.admin.query("create table bench.transactions (like app_public.transactions including all)");
  const child = fork(join(import.meta.dirname, "ingest_way_process.ts"));
  await once(child, "message");
  const answer = once(child, "message");
  child.send({ databaseUrl: database.url, way, ...options });
  const { seconds } = done.parse((await answer)[0]);
  return (options.accounts * options.pages * 100) / seconds;
}
