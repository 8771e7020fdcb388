/**
 * One way to bring pages of transactions into a table, in a process of its own: the floor, or a way that people use.
 * Started by runIngestWay.
 */

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { Pool } from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { z } from "zod";
import { fetchRows, INGEST_COLUMNS, placeholders, type Row } from "./fetch_rows.ts";
import { ingestWay } from "./ingest_ways.ts";

const order = z.object({
  databaseUrl: z.string(),
  baseUrl: z.string(),
  way: ingestWay,
  accounts: z.number(),
  pages: z.number(),
  concurrency: z.number(),
  start: z.string(),
  end: z.string(),
});
type Order = z.infer<typeof order>;

const columns = INGEST_COLUMNS.join(", ");
const target = "bench.transactions";
const upsert = `insert into ${target} (${columns}) values ${placeholders(1)}
  on conflict (account_id, provider_transaction_id) do update
  set status = excluded.status, amount = excluded.amount, narration = excluded.narration, balance_after = excluded.balance_after`;

const ways: Record<Order["way"], (order: Order, pool: Pool) => Promise<void>> = {
  async copy(given, pool) {
    const client = await pool.connect();
    // Each account waits for the one stream, and listens while it does.
    const stream = client.query(copyFrom(`copy ${target} (${columns}) from stdin`));
    stream.setMaxListeners(given.concurrency + 10);
    await eachAccount(given, async (account) => {
      for (let page = 1; page <= given.pages; page += 1) {
        const { rows } = await fetchRows(given, account, page);
        const text = rows.map((row) => `${row.join("\t")}\n`).join("");
        if (!stream.write(text)) await once(stream, "drain");
      }
    });
    stream.end();
    await once(stream, "finish");
    client.release();
  },
  row_upserts: (given, pool) =>
    eachAccount(given, async (account) => {
      for (let page = 1; page <= given.pages; page += 1) {
        const { rows } = await fetchRows(given, account, page);
        for (const row of rows) await pool.query(upsert, row);
      }
    }),
  do_nothing_batches: (given, pool) =>
    eachAccount(given, async (account) => {
      let batch: Row[] = [];
      const flush = async (): Promise<void> => {
        if (batch.length === 0) return;
        const sql = `insert into ${target} (${columns}) values ${placeholders(batch.length)} on conflict do nothing`;
        await pool.query(sql, batch.flat());
        batch = [];
      };
      for (let page = 1; page <= given.pages; page += 1) {
        batch.push(...(await fetchRows(given, account, page)).rows);
        if (batch.length >= 500) await flush();
      }
      await flush();
    }),
};

async function eachAccount({ accounts, concurrency }: Order, body: (account: string) => Promise<void>): Promise<void> {
  let left = accounts;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await body(randomUUID());
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

async function run(given: Order): Promise<number> {
  const pool = new Pool({ connectionString: given.databaseUrl, max: given.concurrency });
  await pool.query("select 1");
  const started = performance.now();
  await ways[given.way](given, pool);
  const seconds = (performance.now() - started) / 1_000;
  await pool.end();
  return seconds;
}

async function report(given: Order): Promise<void> {
  process.send?.({ seconds: await run(given) });
  process.disconnect();
}

process.once("message", (message) => {
  void report(order.parse(message));
});
process.send?.({ ready: true });
