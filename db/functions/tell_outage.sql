-- Tells the owners of these accounts, whose sync failed or was put off, that their bank or platform is down, where an incident
-- is open: once a person and incident. Only those who are touched by it: whoever's accounts are not due meanwhile need not
-- hear of an outage of ten minutes. When a whole platform is down as well as a bank of it, the first word suffices.
create or replace function app_private.tell_outage(p_account_ids uuid[]) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into app_public.notifications (user_id, platform_source, kind, incident_id, params, created_at)
  select distinct on (a.user_id, i.id) a.user_id, i.platform_source, 'provider_down'::app_public.notification_kind, i.id,
    case when i.institution_code = '' then '{}' else jsonb_strip_nulls(jsonb_build_object('institution', a.institution)) end,
    app_private.clock()
  from app_public.accounts a
  join app_private.links l on l.account_id = a.id
  cross join lateral (
    -- The wider one, where two are open.
    select o.*
    from app_private.incidents o
    where o.platform_source = a.platform_source and o.institution_code in (l.institution_code, '') and o.closed_at is null
    order by o.institution_code
    limit 1
  ) i
  where a.id = any (p_account_ids) and a.unlinked_at is null
    and not exists (
      select
      from app_public.notifications n
      join app_private.incidents k on k.id = n.incident_id
      where n.user_id = a.user_id and k.platform_source = i.platform_source and k.closed_at is null
        and (k.institution_code = i.institution_code or '' in (k.institution_code, i.institution_code))
    )
  on conflict (incident_id, user_id, kind) where incident_id is not null do nothing;
$$;
