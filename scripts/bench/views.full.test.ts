import test from "ava";
import { z } from "zod";
import { withClonedDb } from "../../db/testing/database.ts";
import { fillDatabase } from "./fill_database.ts";
import { questions } from "./questions.ts";

const node = z.object({
  "Node Type": z.string(),
  "Relation Name": z.string().optional(),
  "Actual Rows": z.number(),
  "Actual Loops": z.number(),
  "Rows Removed by Filter": z.number().optional(),
  "Shared Hit Blocks": z.number(),
  "Shared Read Blocks": z.number(),
  get Plans() {
    return z.array(node).optional();
  },
});
type Node = z.infer<typeof node>;

const nodesOf = (root: Node): Node[] => [root, ...(root.Plans ?? []).flatMap(nodesOf)];

const ACCOUNTS = 50_000;

/** Whole reads of these cost what there is, not what was asked for. */
const LARGE = new Set(["accounts", "sync_logs", "sync_states", "links", "coverage", "webhooks"]);

const rowsRead = (one: Node): number =>
  one["Actual Loops"] * (one["Actual Rows"] + (one["Rows Removed by Filter"] ?? 0));

/** A scan that ends at the first fifty rows is none of the whole. */
const isWhole = (one: Node): boolean =>
  one["Node Type"] === "Seq Scan" && LARGE.has(one["Relation Name"] ?? "") && rowsRead(one) > ACCOUNTS / 5;

/** 50,000 accounts and their logs fill some 15,000. */
const MOST_BLOCKS = 6000;

test(
  "no question of the operator reads a large table whole, or more than a few thousand blocks",
  withClonedDb(async (t, cloned) => {
    t.timeout(600_000);
    const owner = cloned.pool("app_owner");
    await fillDatabase(owner, { accounts: ACCOUNTS, logs: 200_000 });
    await owner.query("select app_private.fold_runs(200000)");
    await owner.query("select app_admin.count_now()");
    for (const table of ["run_rollups", "run_durations", "coverage_gaps", "upcoming_counts", "account_counts"]) {
      await owner.query(`analyze app_private.${table}`);
    }
    const problemsOf = async (sql: string): Promise<string[]> => {
      const { rows } = await owner.query<{ "QUERY PLAN": unknown }>(
        `explain (analyze, buffers, timing off, format json) ${sql}`,
      );
      const [plan] = z.tuple([z.object({ Plan: node })]).parse(rows[0]?.["QUERY PLAN"]);
      const blocks = plan.Plan["Shared Hit Blocks"] + plan.Plan["Shared Read Blocks"];
      return [
        ...nodesOf(plan.Plan)
          .filter(isWhole)
          .map((one) => `reads ${one["Relation Name"] ?? ""} whole`),
        ...(blocks > MOST_BLOCKS ? [`${blocks} blocks`] : []),
      ];
    };
    const asked = await questions();
    t.true(asked.length > 14);
    for (const { name, sql } of asked) t.deepEqual(await problemsOf(sql), [], name);
    t.deepEqual(
      await problemsOf("select count(*) from app_public.accounts where institution = 'Bank'"),
      ["reads accounts whole"],
      "the control",
    );
  }),
);
