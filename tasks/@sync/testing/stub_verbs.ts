import { newDb } from "pg-mem";
import { z } from "zod";
import { incomingColumns } from "../../../db/queries/pages.ts";
import type { Queryable } from "../../../db/queryable.ts";

/** One page, run or failure as TypeScript handed it over. */
export type Item = z.infer<typeof item>;
const item = z.record(z.string(), z.unknown());

export type VerbName = z.infer<typeof verbName>;
const verbName = z.enum(["save_transactions", "finish_syncs", "suspend_syncs", "record_sync_failures"]);

/** The rows that each stubbed verb answers. */
export type StubbedVerbs = Record<VerbName, (items: Item[]) => object[]>;

const WRITTEN = "account_id text, outcome text";
const SAVED =
  "outcome text, new_count integer, changed_count integer, unchanged_count integer, removed_count integer, deferred text[]";
const ANSWERS: Record<VerbName, string> = {
  save_transactions: SAVED,
  finish_syncs: WRITTEN,
  suspend_syncs: WRITTEN,
  record_sync_failures: WRITTEN,
};

/**
 * A Postgres in this process's memory whose verbs are functions of the test: it shows in a millisecond what TypeScript
 * asks for and in which order. What the verbs do is tested on a real Postgres.
 *
 * @param asked receives each call before it is answered
 */
export function stubVerbs(verbs: StubbedVerbs, asked: (verb: VerbName, items: Item[]) => void): Queryable {
  const database = newDb();
  database.createSchema("app_private");
  database.registerLanguage("stub", ({ code }) => {
    const verb = verbName.parse(code);
    return (text: string, rows?: string[]) => {
      const items = z.array(item).parse(JSON.parse(text));
      const whole = rows === undefined ? items : items.map((page) => withRows(page, rows));
      asked(verb, whole);
      return verbs[verb](whole);
    };
  });
  for (const [verb, columns] of Object.entries(ANSWERS)) {
    // text, not json: pg-mem's own json has a symbol where JSON has null.
    const parameters = verb === "save_transactions" ? "p_items text, p_rows text[]" : "p_items text";
    database.public.none(
      `create function app_private.${verb}(${parameters}) returns table (${columns}) as $$${verb}$$ language stub`,
    );
  }
  const { Pool } = adapter.parse(database.adapters.createPg());
  return new Pool();
}

const range = z.looseObject({ rowsFrom: z.number(), rowsTo: z.number() });

/** The page with its rows within it. Rows of these tests need no quotes. */
function withRows(page: Item, all: string[]): Item {
  const { rowsFrom, rowsTo, ...others } = range.parse(page);
  const rows = all.slice(rowsFrom - 1, rowsTo).map((row) => {
    const values = row.slice(1, -1).split(",");
    return Object.fromEntries(incomingColumns.map((column, at) => [column, values[at] === "" ? null : values[at]]));
  });
  return { ...others, rows };
}

const adapter = z.object({ Pool: z.custom<new () => Queryable>((value) => typeof value === "function") });
