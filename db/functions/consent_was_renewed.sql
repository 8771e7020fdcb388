-- Whether Mono has told, since this account was found to need its owner, that the consent was renewed, and not after that that
-- it has ended again. Not asked of accounts that need nobody.
create or replace function app_private.consent_was_renewed(p_account_id uuid) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with told as (
    select coalesce(w.occurred_at, w.received_at) as at, w.job_id, w.sync_status,
      app_private.webhook_meaning(w.event, w.status, w.data_status, w.sync_status, w.job_id, w.has_new_data) as meaning
    from app_private.webhooks w
    join app_private.auth_episodes e on e.account_id = w.account_id and e.recovered_at is null
    where w.account_id = p_account_id and w.received_at >= coalesce(e.reopened_at, e.detected_at)
  )
  select exists (
    select from told r
    where (r.meaning = 'consent_renewed' or r.meaning = 'news' and r.job_id is null and r.sync_status = 'SUCCESSFUL')
      and not exists (select from told e where e.meaning = 'consent_ended' and e.at > r.at)
  );
$$;
