import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { z } from "zod";
import { withDb } from "./testing/database.ts";
import { markdownTable } from "./testing/markdown_table.ts";

const architecture = (): Promise<string> => readFile(join(import.meta.dirname, "../ARCHITECTURE.md"), "utf8");

const policy = z.object({
  kind: z.string(),
  log_status: z.string(),
  counts: z.boolean(),
  sync_status: z.string().nullable(),
  retry: z.string(),
  tells: z.string(),
});

const TOLD: Record<string, string> = {
  owner: "its owner",
  owner_in_time: "its owner, in time",
  operator: "the operator",
  nobody: "nobody",
};

test(
  "the table of failures tells failure_policy() for every kind there is, in the enum's order",
  withDb(async (t, db) => {
    const { rows } = await db.query(
      `select k.kind::text, p.log_status::text, p.counts, p.sync_status::text, p.retry, p.tells
       from unnest(enum_range(null::app_public.failure_kind)) as k (kind)
       left join lateral app_private.failure_policy(k.kind) p on true
       order by k.kind`,
    );
    const policies = z.array(policy).parse(rows);
    t.true(policies.length > 1);
    t.deepEqual(
      markdownTable(await architecture(), "Kind").map((row) => row.slice(0, 6)),
      policies.map(({ kind, log_status, counts, sync_status, retry, tells }) => [
        kind,
        log_status,
        counts ? "yes" : "no",
        sync_status ?? "by the count",
        retry,
        TOLD[tells],
      ]),
    );
  }),
);

const UNITS: Record<string, number> = { min: 1, h: 60 };

test(
  "the table of delays tells retry_delay()",
  withDb(async (t, db) => {
    const [delays = []] = markdownTable(await architecture(), "1");
    t.true(delays.length > 1);
    for (const [index, delay] of delays.entries()) {
      const [amount, unit = ""] = delay.split(" ");
      const minutes = Number(amount) * (UNITS[unit] ?? NaN);
      const { rows } = await db.query(
        `select avg(extract(epoch from app_private.retry_delay($1, md5(n::text)::uuid)) / 60)::float8 as mean
         from generate_series(1, 500) n`,
        [index + 1],
      );
      const [{ mean } = { mean: NaN }] = z.array(z.object({ mean: z.number() })).parse(rows);
      t.true(Math.abs(mean / minutes - 1) < 0.05, `${index + 1}: ${mean} min, told ${delay}`);
    }
  }),
);
