-- Those of these accounts whose owner is still needed, although a run of theirs succeeded. Within five minutes of a refresh Mono
-- answers with that one (Mono docs, realtime-data), and it always serves its cache: neither says anything of a consent that
-- ended meanwhile. So an episode is over when data was fetched after it began, when Mono told that the consent was renewed,
-- or when the account was linked anew; where the provider itself is read (has no cache), by any success.
-- p_runs: [{"accountId", "dataAsOf"?}].
create or replace function app_private.still_need_owner(p_runs json) returns uuid[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(a.id), '{}')
  from json_to_recordset(p_runs) as r ("accountId" uuid, "dataAsOf" timestamptz)
  join app_public.accounts a on a.id = r."accountId"
  join app_private.auth_episodes e on e.account_id = a.id and e.recovered_at is null
  cross join lateral (select coalesce(e.reopened_at, e.detected_at) as at) found
  where a.platform_source = 'mono' and a.sync_status = 'auth_required'
    and a.linked_at < found.at and coalesce(r."dataAsOf" < found.at, true)
    and not app_private.consent_was_renewed(a.id);
$$;
