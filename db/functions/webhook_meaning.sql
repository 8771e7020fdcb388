-- What an event means for its account (Mono docs, webhooks; the legacy ones of Data Sync are still understood):
--
--   consent_ended    the owner has to renew the link
--   consent_renewed  the owner just did
--   refresh_over     a real-time job ended; whether it found anything is told by another event, or by none
--   refresh_failed   a refresh failed, and the link is not to blame
--   news             there is new data, or the account became usable
--   gone             the account was unlinked at the provider
--   payment          a MoMo payment may have ended (unsigned: the sync asks)
--   nothing          known, and no reason to do anything
--   unknown          an event that we have never heard of
--
-- account_updated is several of these: sync_status decides, and it may say FAILED beside data that is AVAILABLE, because
-- Mono still serves its cache. Without a word of a job it comes from a new link or a re-authorisation.
create or replace function app_private.webhook_meaning(
  p_event text, p_status text, p_data_status text, p_sync_status text, p_job_id text, p_has_new_data boolean
) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select case p_event
    when 'mono.events.account_updated' then case
      when p_sync_status in ('REAUTHORISATION_REQUIRED', 'REAUTHORIZATION_REQUIRED') then 'consent_ended'
      when p_sync_status = 'FAILED' or p_data_status = 'FAILED' then 'refresh_failed'
      when p_data_status = 'PROCESSING' then 'nothing'
      when p_job_id is not null and not coalesce(p_has_new_data, false) then 'refresh_over'
      else 'news'
    end
    when 'mono.accounts.jobs.update' then case p_status
      when 'finished' then 'refresh_over'
      when 'failed' then 'refresh_failed'
      else 'nothing'
    end
    when 'mono.events.account_reauthorized' then 'consent_renewed'
    when 'mono.events.reauthorisation_required' then 'consent_ended'
    when 'mono.events.sync_failed' then 'refresh_failed'
    when 'mono.events.account_connected' then 'nothing'
    when 'mono.events.account_unlinked' then 'gone'
    when 'momo.callback' then 'payment'
    else 'unknown'
  end;
$$;
