/**
 * What processes of an earlier release call. They work beside a newer database for as long as an upgrade takes, so a verb of theirs
 * may gain parameters with defaults at its end and columns in its answer, and nothing else (CONVENTIONS.md).
 */

import { z } from "zod";
import type { Queryable } from "./queryable.ts";

export const verbs = z.array(
  z.object({
    /** With its schema. */
    name: z.string(),
    /** Types, in order. */
    arguments: z.array(z.string()),
    /** How many of them have no default. */
    required: z.number().int(),
    /** Columns as "name type", or the one type. */
    answers: z.array(z.string()),
  }),
);
export type Verb = z.infer<typeof verbs>[number];

/** The functions that processes of ours may call: all but the operator's, whom no release calls for. */
export async function verbsOf(db: Queryable): Promise<Verb[]> {
  const { rows } = await db.query(
    `select n.nspname || '.' || p.proname as name,
       array(select format_type(t, null) from unnest(p.proargtypes::oid[]) with ordinality as a (t, n) order by n) as arguments,
       p.pronargs - p.pronargdefaults as required,
       case when p.proargmodes && '{o,t}'::"char"[] then
         array(
           select name || ' ' || format_type(t, null)
           from unnest(p.proallargtypes, p.proargmodes, p.proargnames) with ordinality as a (t, mode, name, n)
           where mode in ('o', 't')
           order by n)
         else array[format_type(p.prorettype, null)] end as answers
     from pg_catalog.pg_proc p
     join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where n.nspname in ('app_public', 'app_private') and p.prokind = 'f' and p.prorettype <> 'trigger'::regtype
       and exists (
         select from unnest('{app_worker,app_authenticator,app_service,app_visitor}'::regrole[]) as r (role)
         where has_function_privilege(r.role, p.oid, 'execute'))
     order by 1, 2`,
  );
  return verbs.parse(rows);
}

/** What would break a process that knows `released` and meets `present`, a sentence each. */
export function broken(released: readonly Verb[], present: readonly Verb[]): string[] {
  return released.flatMap((old) => {
    const candidates = present.filter(({ name }) => name === old.name);
    if (candidates.length === 0) return [`${old.name} is gone`];
    const complaints = candidates.map((now) => complaint(old, now));
    const [first] = complaints;
    return complaints.includes(null) || first === undefined || first === null ? [] : [`${old.name} ${first}`];
  });
}

function complaint(old: Verb, now: Verb): string | null {
  if (old.arguments.some((type, n) => now.arguments[n] !== type)) {
    return `takes (${now.arguments.join(", ")}) instead of (${old.arguments.join(", ")})`;
  }
  if (now.required > old.required) return `wants ${now.required} arguments instead of ${old.required}`;
  const missing = old.answers.filter((column) => !now.answers.includes(column));
  return missing.length === 0 ? null : `does not answer ${missing.join(", ")} any more`;
}
