-- What each kind of failure means for the account: the one table. ARCHITECTURE.md shows it, a test keeps them equal.
--
--   log_status  how the run is recorded
--   counts      grows the account's count of failures in a row (three make sync_status error)
--   sync_status what the account becomes at once, whatever the count; null: by the count
--   retry       backoff: retry_delay(failures), or when the provider asked us to come back, if that is later
--               interval: at the account's usual time (its state is no trap: that sync is the one that may clear it)
--               at_once: due now
--   tells       owner: at once, an episode begins; owner_in_time: once it has lasted for three of the account's intervals;
--               operator: the platform pauses for five minutes, and an alert fires; nobody
create or replace function app_private.failure_policy(p_kind app_public.failure_kind)
returns table (
  log_status app_public.sync_log_status, counts boolean, sync_status app_public.sync_status, retry text, tells text
)
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select v.log_status::app_public.sync_log_status, v.counts, v.sync_status::app_public.sync_status, v.retry, v.tells
  from (values
    ('transient',        'failed',     true,  null,            'backoff',  'owner_in_time'),
    ('rate_limited',     'failed',     false, null,            'backoff',  'nobody'),
    ('auth_required',    'auth_error', true,  'auth_required', 'interval', 'owner'),
    ('account_gone',     'failed',     true,  'error',         'interval', 'owner_in_time'),
    ('provider_down',    'failed',     true,  null,            'backoff',  'owner_in_time'),
    ('invalid_response', 'failed',     true,  null,            'backoff',  'owner_in_time'),
    ('configuration',    'failed',     false, null,            'at_once',  'operator'),
    ('interrupted',      'failed',     false, null,            'at_once',  'nobody')
  ) as v (kind, log_status, counts, sync_status, retry, tells)
  where v.kind = p_kind::text;
$$;
