-- Throws away what has served its time: answers of "Sync now" after 24 hours, expired tokens, pages at Mono that were minted
-- and never used, and dead jobs of ours. (What is kept for days is prune()'s.) A dead job is disposable, because its account is
-- due again, or its inbox is looked at again here; left in the table, dead jobs slow graphile-worker down.
create or replace function app_private.clean_up()
returns table (idempotency_keys integer, wallet_tokens integer, jobs integer)
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from app_private.idempotency_keys where created_at < app_private.clock() - interval '24 hours';
  get diagnostics idempotency_keys = row_count;
  delete from app_private.wallet_tokens where expires_at < app_private.clock();
  get diagnostics wallet_tokens = row_count;
  delete from app_private.reauth_links where minted_at < app_private.clock() - interval '1 hour';
  perform graphile_worker.complete_jobs(array(
    select j.id
    from graphile_worker.jobs j
    where j.attempts >= j.max_attempts and j.locked_at is null
      and (j.task_identifier in ('process_webhooks', 'send_onesignal', 'send_web_push', 'mirror_tags') or j.task_identifier in (select p.task_identifier from app_private.platforms p))
  ));
  get diagnostics jobs = row_count;
  if exists (select from app_private.webhooks w where w.outcome is null) then
    perform app_private.ensure_job('process_webhooks', '{}', 'process_webhooks', p_max_attempts => 10);
  end if;
  return next;
end
$$;
