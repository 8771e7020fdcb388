-- Links an account, or takes up again one that was linked before. p_link: {"accountId", "userId", "platform",
--   "accountName", "currency", "externalId", "institution"?, "institutionCode"?, "identity"? (base64), "loginKey"?,
--   "baseUrl"?, "targetEnvironment"?, "timeZone"?, "historyDays"?, "statement"?: boolean, "externalIdHmac"? (base64),
--   "credentials"?: [{"kind", "keyId", "sealed" (base64)}]}
--
-- Answers linked, or resumed when accountId stood already (match_link() found it). A resumed account keeps its rows and
-- what its user set; its coverage is emptied, so that everything is read once more under the new provider ids and each
-- old row is recognised by its fingerprint: a re-link loses nothing and doubles nothing. A run of the old link that is
-- still open is interrupted and loses its lease: it would settle days, or find an expiry, of a link that is no more.
--
-- The first sync is due at once; its job is added in this transaction. What Mono told of this account before anybody here
-- knew it is judged now.
-- A resumed account that comes under another id leaves an unlinking of the old one behind, where that id could stay open at
-- the provider: nobody could close it later.
--
-- Raises LNKNV for a link that makes no sense, LNKDP for a provider id that belongs to another account (or a bank account
-- that somebody else just linked for the same user), LNKGN for an id that was unlinked for good, or a user who is being
-- erased.
create or replace function app_private.link_account(p_link json) returns text
language plpgsql security definer -- only this verb may insert accounts
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_id uuid := p_link ->> 'accountId';
  v_platform app_private.platforms;
  v_external_id text := p_link ->> 'externalId';
  v_old_external_id text;
  v_time_zone text;
  v_outcome text := 'linked';
begin
  select * into v_platform
  from app_private.platforms
  where platform_source::text = p_link ->> 'platform';
  if not found or v_id is null or p_link ->> 'userId' is null or coalesce(v_external_id, '') = '' then
    raise exception 'A link needs a known platform, an account id, a user and the provider''s id.' using errcode = 'LNKNV';
  end if;
  if coalesce(p_link ->> 'currency', '') !~ '^[A-Z]{3}$' or length(coalesce(p_link ->> 'accountName', '')) not between 1 and 120 then
    raise exception 'A link needs a name of 1 to 120 characters and an ISO 4217 currency.' using errcode = 'LNKNV';
  end if;
  v_time_zone := coalesce(p_link ->> 'timeZone', v_platform.time_zone);
  -- The list of names costs 12 ms: not for the platform's own zone.
  if p_link ->> 'timeZone' is not null and not exists (select from pg_catalog.pg_timezone_names z where z.name = v_time_zone) then
    raise exception 'The time zone of a link must be an IANA name.' using errcode = 'LNKNV';
  end if;

  if coalesce((p_link ->> 'historyDays')::integer, 1) < 1 then
    raise exception 'The history of a link is at least one day.' using errcode = 'LNKNV';
  end if;

  -- One link of a user at a time: two of the same bank account would each find no account to resume.
  perform pg_advisory_xact_lock(hashtextextended('link ' || (p_link ->> 'userId')::uuid, 0));
  if exists (select from app_private.erasures e where e.subject = (p_link ->> 'userId')::uuid) then
    raise exception 'This user''s data is being erased.' using errcode = 'LNKGN';
  end if;
  if v_platform.unlinks_for_good and (
    exists (
      select from app_private.unlinkings u where u.external_id = v_external_id and u.platform_source = v_platform.platform_source
    )
    or exists (
      select from app_private.tombstones t
      where t.platform_source = v_platform.platform_source and t.external_id_hmac = decode(p_link ->> 'externalIdHmac', 'base64')
    )
  ) then
    raise exception 'This link to % was ended for good; it takes a new one.', v_platform.label using errcode = 'LNKGN';
  end if;

  -- First the lease, then the account: the order in which a closing run locks them.
  perform from app_private.sync_states s where s.account_id = v_id for no key update;
  insert into app_public.accounts (
    id, user_id, account_name, account_type, platform_source, currency, mono_account_id, mtn_reference_id, institution, linked_at
  ) values (
    v_id, (p_link ->> 'userId')::uuid, p_link ->> 'accountName', v_platform.account_type, v_platform.platform_source,
    p_link ->> 'currency',
    case when v_platform.platform_source = 'mono' then v_external_id end,
    case when v_platform.platform_source = 'mtn_momo' then v_external_id end,
    p_link ->> 'institution', v_now
  )
  on conflict (id) do nothing;
  if found then
    if app_private.match_link((p_link ->> 'userId')::uuid, v_platform.platform_source, v_external_id, decode(p_link ->> 'identity', 'base64')) <> v_id then
      raise unique_violation;
    end if;
  else
    v_old_external_id := (select coalesce(a.mono_account_id, a.mtn_reference_id) from app_public.accounts a where a.id = v_id);
    update app_public.accounts
    set mono_account_id = case when v_platform.platform_source = 'mono' then v_external_id end,
      mtn_reference_id = case when v_platform.platform_source = 'mtn_momo' then v_external_id end,
      institution = coalesce(p_link ->> 'institution', institution),
      sync_status = 'active', unlinked_at = null, linked_at = v_now
    where id = v_id and user_id = (p_link ->> 'userId')::uuid and platform_source = v_platform.platform_source;
    if not found then
      raise exception 'This account belongs to somebody else.' using errcode = 'LNKDP';
    end if;
    v_outcome := 'resumed';
    if v_platform.unlinks_for_good and v_old_external_id <> v_external_id then
      insert into app_private.unlinkings (account_id, platform_source, external_id, reason, requested_at, next_try_at)
      values (v_id, v_platform.platform_source, v_old_external_id, 'superseded', v_now, v_now)
      on conflict (external_id, account_id, platform_source) do nothing;
    end if;
  end if;

  insert into app_private.links as l (account_id, base_url, target_environment, time_zone, login_key, institution_code, identity_hmac)
  values (
    v_id, p_link ->> 'baseUrl', p_link ->> 'targetEnvironment', v_time_zone,
    coalesce(p_link ->> 'loginKey', v_external_id), p_link ->> 'institutionCode', decode(p_link ->> 'identity', 'base64')
  )
  on conflict (account_id) do update
  set base_url = excluded.base_url, target_environment = excluded.target_environment, time_zone = excluded.time_zone,
    login_key = excluded.login_key, institution_code = coalesce(excluded.institution_code, l.institution_code),
    identity_hmac = coalesce(excluded.identity_hmac, l.identity_hmac),
    key_renewal = null, key_renewal_until = null, key_renewed_at = null;

  insert into app_private.sync_states as s (account_id, platform_source, next_sync_at)
  values (v_id, v_platform.platform_source, v_now)
  on conflict (account_id) do update
  set next_sync_at = v_now, enqueued_until = null, run_id = null, held_by = null, epoch = s.epoch + 1, failures = 0,
    last_failure_kind = null, failing_since = null, failing_told_at = null, provider_state = '{}';
  update app_public.sync_logs
  set status = 'failed', failure_kind = 'interrupted', sync_completed_at = v_now, next_sync_at = v_now,
    error_message = 'The account was linked anew; what was saved stays saved.'
  where account_id = v_id and status = 'in_progress';

  insert into app_private.coverage (account_id, source, history_start)
  select v_id, so.source,
    (v_now at time zone v_time_zone)::date - least(coalesce((p_link ->> 'historyDays')::integer, so.history_days), 3660)
  from app_private.sources so
  where so.platform_source = v_platform.platform_source and so.has_windows
    and (so.source <> 'statement' or coalesce((p_link ->> 'statement')::boolean, false))
  on conflict (account_id, source) do update
  set settled = '{}', history_start = least(app_private.coverage.history_start, excluded.history_start);

  insert into app_private.credentials (account_id, kind, key_id, sealed)
  select v_id, c.kind, c."keyId", decode(c.sealed, 'base64')
  from json_to_recordset(p_link -> 'credentials') as c (kind text, "keyId" text, sealed text)
  on conflict (account_id, kind) do update
  set key_id = excluded.key_id, sealed = excluded.sealed, updated_at = now();

  perform app_private.ensure_job(
    v_platform.task_identifier, json_build_object('accountId', v_id, 'trigger', 'backend'), 'sync:' || v_id
  );
  update app_private.webhooks w
  set outcome = null
  where w.platform_source = v_platform.platform_source and w.provider_account_id = v_external_id and w.outcome = 'unknown_account';
  if found then
    perform app_private.ensure_job('process_webhooks', '{}', 'process_webhooks', p_max_attempts => 10);
  end if;
  return v_outcome;
exception
  when unique_violation then
    raise exception 'This % account is linked already.', v_platform.label using errcode = 'LNKDP';
end
$$;
