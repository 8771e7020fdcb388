-- Who changed what, when and why?
create or replace view app_admin.admin_actions with (security_barrier) as
select a.id, a.done_at, a.done_by, a.action, a.platform_source, a.institution_code, a.user_id, a.account_id, a.reason, a.before,
  a.after
from app_private.admin_actions a;
comment on view app_admin.admin_actions is 'Who changed what, when and why?';
