-- Where do my accounts stand? As a view, because the API joins it to accounts; whose they are is the function's to say.
create or replace view app_public.account_sync_states with (security_barrier) as
select * from app_private.account_sync_states();
comment on view app_public.account_sync_states is 'What the machinery knows of an account at this moment.';
