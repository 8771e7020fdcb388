-- How long until a tracked reference is asked for again, after p_polls polls without an end. A payment is approved
-- within 5 minutes or never (MoMo docs); what is still open later is rare and is asked for ever less often.
--
--   polls  0      1    2    3    4     5     6    7    8 and more
--   delay  30 s   1 m  2 m  5 m  10 m  30 m  1 h  6 h  24 h
create or replace function app_private.reference_poll_delay(p_polls integer) returns interval
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select (array['30 s', '1 min', '2 min', '5 min', '10 min', '30 min', '1 hour', '6 hours', '24 hours'])
           [least(greatest(p_polls, 0), 8) + 1]::interval;
$$;
