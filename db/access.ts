/**
 * Who may do what, as a page that people review in a diff: db/ACCESS.md, made by `npm run gen`.
 *
 * It says what Postgres would allow, grants to PUBLIC and inherited ones included, of every table, view and function that is
 * there. A new one is a new line, and a test is red until somebody has looked at that line.
 */

import { z } from "zod";
import { schemas } from "./dump.ts";
import type { Queryable } from "./queryable.ts";

/** `public` is everybody. app_owner is left out: it owns all of this. */
const roles = ["app_visitor", "app_service", "app_worker", "app_admin", "app_authenticator", "public"];

/**
 * The whole page.
 *
 * @param db one session, not a pool: its search_path is emptied, so that every name is written in full
 */
export async function accessMatrix(db: Queryable): Promise<string> {
  await db.query("set search_path = pg_catalog");
  return `${[
    "# Who may do what",
    "Made by `npm run gen` from the grants and policies in `policies`. Review it, do not edit it: a new table, view or\nfunction is a new line here, and `db/access.test.ts` is red until that line is committed.",
    "The owner of everything is `app_owner`, whom nobody can log in as; as whom a `definer` function runs. A visitor is a\nsigned-in user, and `public` is everybody. Without a right to use its schema, a role can name nothing in it.",
    "## Schemas",
    table(["Schema", ...roles], await schemaRows(db)),
    "## Tables and views",
    "Row level security stands on every table. Where it lets nobody through, a grant alone gives nothing.",
    table(["Relation", "Rows", ...roles], await relationRows(db)),
    "## Functions",
    table(["Function", "Runs as", "May be called by"], await functionRows(db)),
  ].join("\n\n")}\n`;
}

const cells = z.array(z.object({ cells: z.array(z.string()) }));

const rowsOf = async (db: Queryable, sql: string): Promise<string[][]> =>
  cells.parse((await db.query(sql, [schemas, roles])).rows).map((row) => row.cells);

const schemaRows = (db: Queryable): Promise<string[][]> =>
  rowsOf(
    db,
    `select array['\`' || s.name || '\`'] || array(
       select coalesce(
         (select string_agg(lower(p), ', ' order by n)
          from unnest(array['usage', 'create']) with ordinality as v (p, n)
          where has_schema_privilege(r.name, s.name, p)), '')
       from unnest($2::text[]) with ordinality as r (name, n) order by r.n
     ) as cells
     from unnest($1::text[]) with ordinality as s (name, n)
     order by s.n`,
  );

const relationRows = (db: Queryable): Promise<string[][]> =>
  rowsOf(
    db,
    `select array['\`' || c.oid::regclass || '\`', case
         when c.relkind in ('v', 'm') then 'view'
         when not c.relrowsecurity then 'ALL: NO ROW LEVEL SECURITY'
         else coalesce(
           (select string_agg(format('\`%s\`', p.polname), ', ' order by p.polname) from pg_policy p where p.polrelid = c.oid),
           'nobody''s')
       end] || array(
       select coalesce(
         (select string_agg(
            case when has_table_privilege(r.name, c.oid, v.verb) then v.verb else format('%s (%s)', v.verb, columns.names) end,
            ', ' order by v.n)
          from unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) with ordinality as v (verb, n)
          left join lateral (
            select string_agg(quote_ident(a.attname), ', ' order by a.attnum) as names
            from pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
              and case when v.verb in ('select', 'insert', 'update', 'references') then has_column_privilege(r.name, c.oid, a.attnum, v.verb) end
          ) as columns on true
          where has_table_privilege(r.name, c.oid, v.verb) or columns.names is not null), '')
       from unnest($2::text[]) with ordinality as r (name, n) order by r.n
     ) as cells
     from pg_class c
     join unnest($1::text[]) with ordinality as s (name, n) on c.relnamespace = s.name::regnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f')
     order by s.n, c.relname collate "C"`,
  );

const functionRows = (db: Queryable): Promise<string[][]> =>
  rowsOf(
    db,
    `select array[
       format('\`%s\`', p.oid::regprocedure),
       case when p.prosecdef then 'definer' else 'invoker' end,
       coalesce(
         (select string_agg(format('\`%s\`', r.name), ', ' order by r.n)
          from unnest($2::text[]) with ordinality as r (name, n)
          where has_function_privilege(r.name, p.oid, 'execute')), '')
     ] as cells
     from pg_proc p
     join unnest($1::text[]) with ordinality as s (name, n) on p.pronamespace = s.name::regnamespace
     order by s.n, p.proname collate "C", p.oid::regprocedure::text collate "C"`,
  );

/** As prettier would lay it out. */
function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, n) => Math.max(3, title.length, ...rows.map((row) => row[n]?.length ?? 0)));
  const line = (texts: string[]): string =>
    `| ${widths.map((width, n) => (texts[n] ?? "").padEnd(width)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
