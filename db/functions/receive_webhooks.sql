-- Takes webhooks in, each once, and has them judged. p_webhooks: [{"platform", "dedupeKey", "bodyHmac" (base64), "event",
--   "eventId"?, "providerAccountId"?, "referenceId"?, "jobId"?, "status"?, "dataStatus"?, "syncStatus"?, "hasNewData"?,
--   "occurredAt"?, "externalIdHmac"? (base64; of the account's id, by the identity key)}]. Answers how many were new: a
--   repeat changes nothing, nor does what comes late for an account that was unlinked for good.
--
-- Where the provider gives an event no id, the same words a day later are a new event and no late repeat: a consent that
-- ends twice in a year is told twice in equal words. A callback about a reference that nobody tracks is not kept at all,
-- because anybody may send those.
--
-- One call for all that arrived at the same moment, and one job for all that wait: a job a webhook would cost more than its
-- judgement. Its key is shared on purpose.
create or replace function app_private.receive_webhooks(p_webhooks json) returns integer
language plpgsql security definer -- app_service has no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_new integer;
begin
  insert into app_private.webhooks as w (
    platform_source, dedupe_key, body_hmac, event, event_id, provider_account_id, reference_id, job_id, status, data_status,
    sync_status, has_new_data, occurred_at, received_at
  )
  -- In the order of the unique index, so that two of these calls never wait for each other in a circle.
  select distinct on (r.platform, r."dedupeKey")
    r.platform, r."dedupeKey", decode(r."bodyHmac", 'base64'), r.event, r."eventId", r."providerAccountId", r."referenceId",
    r."jobId", r.status, r."dataStatus", r."syncStatus", r."hasNewData", r."occurredAt", v_now
  from json_to_recordset(p_webhooks) as r (
    platform app_public.platform_source, "dedupeKey" text, "bodyHmac" text, event text, "eventId" text,
    "providerAccountId" text, "referenceId" uuid, "jobId" text, status text, "dataStatus" text, "syncStatus" text,
    "hasNewData" boolean, "occurredAt" timestamptz, "externalIdHmac" text
  )
  where (r.platform <> 'mtn_momo' or exists (select from app_private.tracked_references t where t.reference_id = r."referenceId"))
    and not exists (
      select from app_private.tombstones d
      where d.platform_source = r.platform and d.external_id_hmac = decode(r."externalIdHmac", 'base64')
    )
    -- Left to the conflict below, a repeat would lock its first delivery, and wait for its judgement to commit.
    and not exists (
      select from app_private.webhooks w
      where w.platform_source = r.platform and w.dedupe_key = r."dedupeKey"
        and (w.event_id is not null or w.job_id is not null or w.received_at >= v_now - interval '24 hours')
    )
  order by r.platform, r."dedupeKey"
  on conflict on constraint webhooks_once do update
  set received_at = excluded.received_at, processed_at = null, outcome = null, account_id = null
  where w.event_id is null and w.job_id is null and w.received_at < v_now - interval '24 hours';
  get diagnostics v_new = row_count;

  if v_new > 0 then
    perform app_private.ensure_job('process_webhooks', '{}', 'process_webhooks', p_max_attempts => 10);
  end if;
  return v_new;
end
$$;
