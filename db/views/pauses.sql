-- What is paused, until when, and why?
create or replace view app_admin.pauses with (security_barrier) as
select 'platform' as scope, p.platform_source, null::text as institution_code, null::uuid as user_id, null::uuid as account_id,
  p.paused_until as until, p.paused_reason as reason
from app_private.platforms p
where p.paused_until > (select app_private.clock())
union all
select case when z.user_id is null then 'institution' else 'user' end, z.platform_source, z.institution_code, z.user_id, null,
  z.until, z.reason
from app_private.pauses z
where z.until > (select app_private.clock())
union all
select 'account', a.platform_source, null, a.user_id, a.id, 'infinity', null
from app_public.accounts a
where a.paused_at is not null and a.unlinked_at is null;
comment on view app_admin.pauses is 'What is paused, until when, and why?';
