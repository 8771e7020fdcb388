-- All that is stored of a person as one JSON document: {"exported_at", "user_id", "accounts": [row, …], "transactions": …},
-- an array for each table that users have rows in, found in the catalogue. A row has every column that its owner may read,
-- and so no secret; runs are left out. Amounts are decimal strings, moments ISO 8601 in UTC.
create or replace function app_private.export_user(p_user_id uuid) returns json
language plpgsql stable security definer -- app_service has no table grants
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  v_names text[] := array['exported_at', 'user_id'];
  v_parts json[] := array[to_json(app_private.clock()), to_json(p_user_id)];
  v_rows json;
  t record;
begin
  for t in
    select c.oid::regclass::text as name, c.relname,
      string_agg(
        case when a.atttypid = 'numeric'::regtype then format('%1$I::text as %1$I', a.attname) else quote_ident(a.attname) end,
        ', ' order by a.attnum
      ) as columns,
      (select string_agg(quote_ident(k.attname), ', ' order by array_position(i.indkey::smallint[], k.attnum))
       from pg_index i
       join pg_attribute k on k.attrelid = c.oid and k.attnum = any (i.indkey)
       where i.indrelid = c.oid and i.indisprimary) as key
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p') and c.relnamespace = 'app_public'::regnamespace
      and exists (select from pg_attribute u where u.attrelid = c.oid and u.attname = 'user_id' and not u.attisdropped)
      and has_column_privilege('app_visitor', c.oid, a.attnum, 'select')
      and a.attname not in ('run_id', 'replaced_by_run')
    group by c.oid, c.relname
    order by c.relname
  loop
    execute format(
      'select coalesce(json_agg(r order by %1$s), ''[]'') from (select %2$s from %3$s where user_id = $1) r',
      t.key, t.columns, t.name
    ) into v_rows using p_user_id;
    v_names := v_names || t.relname::text;
    v_parts := v_parts || v_rows;
  end loop;
  return (select json_object_agg(p.name, p.part) from unnest(v_names, v_parts) as p (name, part));
end
$$;
