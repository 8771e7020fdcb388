-- Whether the institution of an account, or its whole platform, is known to be down at this moment: a breaker is open.
create or replace function app_private.is_down(p_account_id uuid) returns boolean
language sql stable strict
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
    from app_private.links l
    join app_private.sync_states s on s.account_id = l.account_id
    join app_private.breakers b on b.platform_source = s.platform_source
      and b.institution_code in (l.institution_code, '') and b.opened_at is not null
    where l.account_id = p_account_id
  );
$$;
