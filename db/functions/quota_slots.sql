-- How draw_quota() cuts a window of `per` with this many requests into slots, and how many permits each has: the cut that
-- wastes least. A window touches at most slots + 1 of them; one more is allowed for, because what is sent at the end of a
-- slot may arrive in the next. 20 become 8 slots of 2 permits, 100 become 9 of 9.
create or replace function app_private.quota_slots(p_limit numeric) returns table (slots integer, permits integer)
language sql immutable strict
set search_path = pg_catalog, pg_temp
as $$
  select k, floor(p_limit / (k + 2))::integer
  from generate_series(1, 10) k
  where floor(p_limit / (k + 2)) >= 1
  order by floor(p_limit / (k + 2)) * k desc, k desc
  limit 1;
$$;

-- The share of a quota's limit that stands at this moment: what 429s taught, and what has grown back since.
create or replace function app_private.quota_learned(p_quota app_private.quotas) returns numeric
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select least(1, p_quota.learned + coalesce(extract(epoch from clock_timestamp() - p_quota.refused_at) / 60 * 0.05, 1));
$$;
