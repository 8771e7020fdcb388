-- Everything a worker needs to run the accounts it was just given: identifiers, windows, open references, sealed
-- credentials and the platform's own memory. One JSON object an account; db/queries/runs.ts parses it.
-- p_first: those whom somebody waits for. p_may_refresh: those that may have a paid refresh.
create or replace function app_private.lease_details(p_account_ids uuid[], p_first uuid[], p_may_refresh uuid[])
returns table (account_id uuid, details json)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select a.id, json_build_object(
    'accountId', a.id,
    'runId', s.run_id::text,
    'epoch', s.epoch,
    'platform', a.platform_source,
    'externalId', coalesce(a.mono_account_id, a.mtn_reference_id),
    'currency', a.currency,
    'baseUrl', l.base_url,
    'targetEnvironment', l.target_environment,
    'state', s.provider_state,
    'now', app_private.clock(),
    'first', a.id = any (p_first),
    'mayRefresh', a.id = any (p_may_refresh),
    'windows', coalesce((
      select json_agg(json_build_object('source', c.source, 'from', w.from_day, 'to', w.to_day) order by w.from_day)
      from app_private.coverage c
      join app_private.sources so on so.source = c.source and so.has_windows
      cross join lateral app_private.due_windows(
        c.history_start, c.settled, (app_private.clock() at time zone l.time_zone)::date, so.window_days
      ) w
      where c.account_id = a.id
    ), '[]'),
    'openReferences', coalesce((
      select json_agg(json_build_object(
        'referenceId', r.reference_id, 'operation', r.operation, 'baseUrl', r.base_url,
        'targetEnvironment', r.target_environment, 'requestedAt', r.requested_at
      ) order by r.requested_at)
      from app_private.tracked_references r
      where r.account_id = a.id and r.next_poll_at <= app_private.clock()
    ), '[]'),
    'credentials', coalesce((
      select json_agg(json_build_object('kind', k.kind, 'keyId', k.key_id, 'sealed', encode(k.sealed, 'base64')))
      from app_private.credentials k
      where k.account_id = a.id
    ), '[]')
  )
  from app_public.accounts a
  join app_private.sync_states s on s.account_id = a.id
  join app_private.links l on l.account_id = a.id
  where a.id = any (p_account_ids);
$$;
