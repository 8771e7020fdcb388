-- How far has a change of a platform's interval or sync window reached its accounts?
create or replace view app_admin.reschedulings with (security_barrier) as
select r.platform_source, r.requested_at, r.accounts, r.gone_through, r.rescheduled, cardinality(r.left_over) as locked, r.ended_at,
  -- As fast as it was so far.
  case
    when r.ended_at is null and r.gone_through > 0 then
      now() + (now() - r.requested_at) * (greatest(r.accounts - r.gone_through, 0)::double precision / r.gone_through)
  end as expected_end
from app_private.reschedulings r;
comment on view app_admin.reschedulings is
  'How far has a change of a platform''s interval or sync window reached its accounts? `rescheduled` are those whose time is new: accounts that are due, at work or wait out a failure follow with their next run. `locked` have another turn.';
