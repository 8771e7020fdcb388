/** Searches all that a database holds, whatever schemas, tables and columns it has. */

import type { ClientBase } from "pg";
import { z } from "zod";
import { canariesIn, describeCanary } from "./catalogue.ts";
import { tellRun } from "./ledger.ts";
import { meantColumns } from "./meant.ts";

/** Tables without a block have no row. The block's size is fixed when Postgres is built; ours have the usual one. */
const FILLED_TABLES = `
  select format('%I.%I', n.nspname, c.relname) as name, pg_relation_size(c.oid) / 8192 as blocks
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and n.nspname !~ '^pg_|^information_schema$' and pg_relation_size(c.oid) > 0`;

/** Blocks of a table that are read at once: 8 MB. Nearly every table of a test's database has one or two. */
const BLOCKS = 1_000;

const tables = z.object({ rows: z.array(z.object({ name: z.string(), blocks: z.coerce.number() })) });
const found = z.object({ rows: z.array(z.object({ name: z.string(), row: z.string() })) });
const columns = z.record(z.string(), z.unknown());

/**
 * A sentence for each canary in a column that is not meant for it (meant.ts), however often it is there.
 *
 * @param db a session that may read everything
 */
export async function storedCanaries(db: ClientBase): Promise<string[]> {
  const findings = new Set<string>();
  let searched = 0;
  for (const questions of questionsFor(tables.parse(await db.query(FILLED_TABLES)).rows)) {
    // One message for all of them: a single statement over fifty tables takes longer to plan than to run.
    const answers = await db.query(questions.join(";"));
    for (const { rows } of z.array(found).parse([answers].flat())) {
      searched += rows.length;
      for (const { name, row } of rows) {
        if (canariesIn(legible(row)).length > 0) for (const finding of misplaced(name, row)) findings.add(finding);
      }
    }
  }
  tellRun({ searched: { rows: searched } });
  return [...findings];
}

/** Statements that read all rows as JSON, in messages of some megabytes. */
function questionsFor(filled: { name: string; blocks: number }[]): string[][] {
  const messages: string[][] = [[]];
  let free = BLOCKS;
  for (const { name, blocks } of filled) {
    for (let from = 0; from < blocks; from += BLOCKS) {
      const many = Math.min(BLOCKS, blocks - from);
      if (many > free) {
        messages.push([]);
        free = BLOCKS;
      }
      free -= many;
      messages
        .at(-1)
        ?.push(
          `select '${name}' as name, to_jsonb(t)::text as row from ${name} t where ctid >= '(${from},0)' and ctid < '(${from + many},0)'`,
        );
    }
  }
  return messages.filter((questions) => questions.length > 0);
}

function misplaced(table: string, row: string): string[] {
  return Object.entries(columns.parse(JSON.parse(row))).flatMap(([column, value]) => {
    // A column of numbers holds amounts and counts, any of which may look like a telephone number by chance.
    if (typeof value === "number") return [];
    const name = `${table}.${column}`;
    return canariesIn(legible(JSON.stringify(value)))
      .filter(({ kind }) => !meantColumns[name]?.kinds.includes(kind))
      .map((canary) => `${name} holds ${describeCanary(canary)}`);
  });
}

/** With the text of every bytea, which JSON has in hexadecimal digits. */
function legible(json: string): string {
  const texts = [...json.matchAll(/\\\\x([0-9a-f]{16,})/g)].map(([, hex = ""]) =>
    Buffer.from(hex, "hex").toString("latin1"),
  );
  return [json, ...texts].join("\n");
}
