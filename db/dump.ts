/**
 * The schema as a text that people review in a diff: db/schema.sql, made by `npm run gen`.
 *
 * It is read from the catalogues, because the Postgres that npm brings has no pg_dump, and because the same schema must
 * give the same text on every version we support. It is no script: nothing is restored from it.
 */

import { z } from "zod";
import type { Queryable } from "./queryable.ts";

/** Ours. graphile_worker's schema is its own package's business. */
export const schemas = ["app_public", "app_private", "app_admin"];

/** node-pg-migrate's own table, whose columns are that package's business too. */
const notOurs = "app_private.migrations";

/** Text under its heading's name: how the blocks of a schema are told apart and sorted. */
type Block = { name: string; text: string };

/**
 * Everything in our schemas, sorted by name: types, tables (each with its columns, constraints, indexes, triggers, row
 * level security, comments and grants in one block), views, functions.
 *
 * @param db one session, not a pool: its search_path is emptied, so that every name is written in full
 */
export async function dumpSchema(db: Queryable): Promise<string> {
  await db.query("set search_path = pg_catalog");
  const parts = [
    "-- Made by `npm run gen` from the migrations, functions, views and policies. Review it, do not edit it.",
  ];
  for (const schema of schemas) {
    const found = [...(await types(db, schema)), ...(await relations(db, schema)), ...(await functions(db, schema))];
    parts.push(`-- ${"-".repeat(100)} ${schema}`, await schemaHead(db, schema), ...found.map(({ text }) => text));
  }
  return `${parts.join("\n\n")}\n`;
}

const block = z.object({ name: z.string(), text: z.string() });

/** Rows of `name` and `text`; `$1` is the schema. Sorted as bytes, the same under every locale. */
async function blocks(db: Queryable, schema: string, sql: string): Promise<Block[]> {
  const { rows } = await db.query(sql, [schema]);
  return z
    .array(block)
    .parse(rows)
    .toSorted((a, b) => compare(a.name, b.name) || compare(a.text, b.text));
}

const compare = (a: string, b: string): number => Number(a > b) - Number(a < b);

/** Lines that belong to a relation or function, by its name. */
async function linesByName(db: Queryable, schema: string, sql: string): Promise<Map<string, string[]>> {
  const lines = new Map<string, string[]>();
  for (const { name, text } of await blocks(db, schema, sql)) lines.set(name, [...(lines.get(name) ?? []), text]);
  return lines;
}

/**
 * `grant … to …` for each role that was given something. The owner's own rights are left out here and below: which
 * there are differs between versions of Postgres (MAINTAIN is new in 17).
 */
async function schemaHead(db: Queryable, schema: string): Promise<string> {
  const granted = await blocks(
    db,
    schema,
    `select n.nspname::text as name,
       format('grant %s on schema %s to %s;', string_agg(lower(g.privilege_type), ', ' order by g.privilege_type),
         n.nspname, case g.grantee when 0 then 'public' else g.grantee::regrole::text end) as text
     from pg_namespace n, aclexplode(n.nspacl) as g
     where n.nspname = $1 and g.grantee <> n.nspowner
     group by n.nspname, g.grantee`,
  );
  return [`create schema ${schema};`, ...granted.map(({ text }) => text)].join("\n");
}

/** Enumerations, and composites of their own (each table has one as well). */
async function types(db: Queryable, schema: string): Promise<Block[]> {
  return blocks(
    db,
    schema,
    `select t.typname as name,
       case t.typtype
         when 'e' then (
           select format('create type %s as enum (%s);', t.oid::regtype, string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder))
           from pg_enum e
           where e.enumtypid = t.oid
         )
         else (
           select format(E'create type %s as (\\n%s\\n);', t.oid::regtype,
             string_agg(format('  %I %s', a.attname, format_type(a.atttypid, a.atttypmod)), E',\\n' order by a.attnum))
           from pg_attribute a
           where a.attrelid = t.typrelid and not a.attisdropped
         )
       end || coalesce(E'\\ncomment on type ' || t.oid::regtype || ' is ' || quote_literal(obj_description(t.oid, 'pg_type')) || ';', '') as text
     from pg_type t
     left join pg_class c on c.oid = t.typrelid
     where t.typnamespace = $1::regnamespace and (t.typtype = 'e' or c.relkind = 'c')`,
  );
}

/** Tables, then views, each with all that hangs on it. */
async function relations(db: Queryable, schema: string): Promise<Block[]> {
  const bodies = [...(await tables(db, schema)), ...(await views(db, schema))];
  const [indexes, triggers, policies, comments, granted] = [
    await linesByName(db, schema, indexesOf),
    await linesByName(db, schema, triggersOf),
    await linesByName(db, schema, policiesOf),
    await linesByName(db, schema, commentsOf),
    await linesByName(db, schema, grantsOf),
  ];
  return bodies.map(({ name, text }) => ({
    name,
    text: [text, ...[indexes, triggers, comments, policies, granted].flatMap((lines) => lines.get(name) ?? [])].join(
      "\n",
    ),
  }));
}

/**
 * NOT NULL stands with its column: since Postgres 18 it is a constraint in the catalogue too, which is left out.
 * Constraints follow in the order of their names.
 */
const tables = (db: Queryable, schema: string): Promise<Block[]> =>
  blocks(
    db,
    schema,
    `select c.relname as name,
       format(E'create table %s (\\n%s\\n)%s;', c.oid::regclass,
         concat_ws(E',\\n', columns.text, constraints.text),
         ' with (' || array_to_string(c.reloptions, ', ') || ')')
       || case when c.relrowsecurity then format(E'\\nalter table %s enable row level security;', c.oid::regclass) else '' end
       || case when c.relforcerowsecurity then format(E'\\nalter table %s force row level security;', c.oid::regclass) else '' end
       as text
     from pg_class c,
       lateral (
         select string_agg(
           format('  %I %s', a.attname, format_type(a.atttypid, a.atttypmod))
             || case when a.attnotnull then ' not null' else '' end
             || case a.attidentity when 'a' then ' generated always as identity' when 'd' then ' generated by default as identity' else '' end
             || case
                  when a.attgenerated <> '' then format(' generated always as (%s) stored', pg_get_expr(d.adbin, d.adrelid))
                  else coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
                end,
           E',\\n' order by a.attnum) as text
         from pg_attribute a
         left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       ) as columns,
       lateral (
         select string_agg(format('  constraint %I %s', k.conname, pg_get_constraintdef(k.oid)), E',\\n' order by k.conname collate "C") as text
         from pg_constraint k
         where k.conrelid = c.oid and k.contype in ('p', 'u', 'f', 'c', 'x')
       ) as constraints
     where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and c.oid <> '${notOurs}'::regclass`,
  );

const views = (db: Queryable, schema: string): Promise<Block[]> =>
  blocks(
    db,
    schema,
    `select c.relname as name,
       format(E'create view %s%s as\\n%s', c.oid::regclass, ' with (' || array_to_string(c.reloptions, ', ') || ')', pg_get_viewdef(c.oid, true)) as text
     from pg_class c
     where c.relnamespace = $1::regnamespace and c.relkind = 'v'`,
  );

/** Those that are no constraint's own. */
const indexesOf = `
  select c.relname as name, pg_get_indexdef(i.indexrelid) || ';' as text
  from pg_index i
  join pg_class c on c.oid = i.indrelid
  where c.relnamespace = $1::regnamespace and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))`;

const triggersOf = `
  select c.relname as name, pg_get_triggerdef(t.oid) || ';' as text
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid
  where c.relnamespace = $1::regnamespace and not t.tgisinternal`;

const policiesOf = `
  select c.relname as name,
    format('create policy %I on %s%s for %s to %s', p.polname, c.oid::regclass,
      case when p.polpermissive then '' else ' as restrictive' end,
      case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
      (select string_agg(case r when 0 then 'public' else r::regrole::text end, ', ' order by r::regrole::text) from unnest(p.polroles) as r))
    || coalesce(' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
    || coalesce(' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') || ';' as text
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  where c.relnamespace = $1::regnamespace`;

const commentsOf = `
  select c.relname as name,
    case d.objsubid
      when 0 then format('comment on %s %s is %L;', case c.relkind when 'v' then 'view' else 'table' end, c.oid::regclass, d.description)
      else format('comment on column %s.%I is %L;', c.oid::regclass, a.attname, d.description)
    end as text
  from pg_description d
  join pg_class c on c.oid = d.objoid and d.classoid = 'pg_class'::regclass
  left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid and d.objsubid > 0
  where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p', 'v')`;

const grantsOf = `
  select c.relname as name, g.text
  from pg_class c,
    lateral (
      select format('grant %s on %s to %s;', string_agg(lower(g.privilege_type), ', ' order by g.privilege_type),
        c.oid::regclass, case g.grantee when 0 then 'public' else g.grantee::regrole::text end) as text
      from aclexplode(c.relacl) as g
      where g.grantee <> c.relowner
      group by g.grantee
      union all
      select format('grant %s (%s) on %s to %s;', lower(g.privilege_type), string_agg(quote_ident(a.attname), ', ' order by a.attnum),
        c.oid::regclass, case g.grantee when 0 then 'public' else g.grantee::regrole::text end)
      from pg_attribute a, lateral aclexplode(a.attacl) as g
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      group by g.privilege_type, g.grantee
    ) as g
  where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p', 'v')`;

/** Whole, with comments and grants. Rights that nobody set are Postgres's default: everybody's. */
const functions = (db: Queryable, schema: string): Promise<Block[]> =>
  blocks(
    db,
    schema,
    `select p.oid::regprocedure::text as name,
       rtrim(pg_get_functiondef(p.oid), E'\\n') || ';'
       || coalesce(E'\\ncomment on function ' || p.oid::regprocedure || ' is ' || quote_literal(obj_description(p.oid, 'pg_proc')) || ';', '')
       || coalesce((
            select string_agg(
              format(E'\\ngrant execute on function %s to %s;', p.oid::regprocedure,
                case g.grantee when 0 then 'public' else g.grantee::regrole::text end),
              '' order by g.grantee <> 0, g.grantee::regrole::text)
            from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as g
            where g.grantee <> p.proowner
          ), '') as text
     from pg_proc p
     where p.pronamespace = $1::regnamespace and p.prokind in ('f', 'p')`,
  );
