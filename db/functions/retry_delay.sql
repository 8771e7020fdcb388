-- How long to wait after the p_failures-th failure in a row: the one retry formula.
--
--   failures  1     2     3     4      5      6    7    8    9 and more
--   delay     1 m   2 m   5 m   15 m   30 m   1 h  2 h  4 h  6 h
--
-- Each is spread by ±20 %, by a hash of account and count: accounts that failed together do not come back together,
-- and yet the value can be computed again by whoever asks why.
create or replace function app_private.retry_delay(p_failures integer, p_account_id uuid) returns interval
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select (array['1 min', '2 min', '5 min', '15 min', '30 min', '1 hour', '2 hours', '4 hours', '6 hours'])
           [least(greatest(p_failures, 1), 9)]::interval
         * (0.8 + 0.4 * app_private.stable_jitter(p_account_id::text || ':' || p_failures));
$$;
