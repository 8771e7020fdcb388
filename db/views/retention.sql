-- How long is what kept, and when was it last pruned?
create or replace view app_admin.retention with (security_barrier) as
select r.subject, r.keep, r.at_least, r.pruned_at, r.pruned
from app_private.retention r;
comment on view app_admin.retention is 'How long is what kept, and when was it last pruned?';
