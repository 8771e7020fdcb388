-- Every table of ours that can hold something of a person, found in the catalogue, so that none can be forgotten: any with a
-- column of one of these names, or with a foreign key to accounts. Those that refer to others come first.
--
-- predicate finds a person's rows; its parameters:
--   $1 user_id   $2 account_id, and foreign keys to accounts   $3 provider_account_id   $4 reference_id
create or replace function app_private.personal_tables() returns table (name text, predicate text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with recursive ours as (
    select c.oid
    from pg_class c
    where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text in ('app_public', 'app_private', 'app_admin')
  ),
  reached (oid, depth) as (
    select o.oid, 0 from ours o
    union
    select k.conrelid, r.depth + 1
    from reached r
    join pg_constraint k on k.confrelid = r.oid and k.contype = 'f' and k.conrelid <> k.confrelid
    where r.depth < 20
  ),
  named (column_name, parameter) as (
    values ('user_id', '$1'), ('account_id', 'any ($2)'), ('provider_account_id', 'any ($3)'), ('reference_id', 'any ($4)')
  ),
  found as (
    select a.attrelid as oid, a.attname, n.parameter
    from pg_attribute a
    join named n on n.column_name = a.attname
    where a.attnum > 0 and not a.attisdropped
    union
    select k.conrelid, a.attname, 'any ($2)'
    from pg_constraint k
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
    where k.contype = 'f' and k.confrelid = 'app_public.accounts'::regclass
    union
    select 'app_public.accounts'::regclass, 'id', 'any ($2)'
  )
  select o.oid::regclass::text, string_agg(distinct format('%I = %s', f.attname, f.parameter), ' or ')
  from ours o
  join found f on f.oid = o.oid
  group by o.oid
  order by (select max(r.depth) from reached r where r.oid = o.oid) desc, 1;
$$;
