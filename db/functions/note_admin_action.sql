-- Writes down what an operator did: who is the login, why has to be said. Called by every function of app_admin that changes
-- anything, in its transaction. Raises OPSNR where no reason is given.
create or replace function app_private.note_admin_action(
  p_action text, p_reason text, p_before jsonb default null, p_after jsonb default null,
  p_platform app_public.platform_source default null, p_institution text default null, p_user_id uuid default null,
  p_account_id uuid default null
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if length(trim(coalesce(p_reason, ''))) not between 3 and 500 then
    raise exception 'Say why: a reason has 3 to 500 characters. It is kept in app_admin.admin_actions.' using errcode = 'OPSNR';
  end if;
  insert into app_private.admin_actions
    (action, reason, before, after, platform_source, institution_code, user_id, account_id)
  values (p_action, trim(p_reason), p_before, p_after, p_platform, p_institution, p_user_id, p_account_id);
end
$$;

-- A platform that was named: a null, say of a variable in psql that is not set, would change nothing and say nothing. Raises NTFND.
create or replace function app_private.require_platform(p_platform app_public.platform_source) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_platform is null then
    raise exception 'Name a platform: %.', array_to_string(enum_range(p_platform), ' or ') using errcode = 'NTFND';
  end if;
end
$$;

-- An institution of which an account is linked. Raises NTFND.
create or replace function app_private.require_institution(p_platform app_public.platform_source, p_institution text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(p_institution, '') = '' then
    raise exception 'Name an institution by its code; app_admin.institution_health lists them.' using errcode = 'NTFND';
  end if;
  if not exists (
    select
    from app_private.links l
    join app_public.accounts a on a.id = l.account_id
    where l.institution_code = p_institution and a.platform_source = p_platform and a.unlinked_at is null
  ) then
    raise exception 'No account of this platform is linked to an institution %.', p_institution using errcode = 'NTFND';
  end if;
end
$$;

-- An account that is linked. Raises NTFND where there is none, OPSNP where its link has ended.
create or replace function app_private.require_linked(p_account_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from app_public.accounts a where a.id = p_account_id) then
    raise exception 'There is no such account.' using errcode = 'NTFND';
  end if;
  if exists (select from app_public.accounts a where a.id = p_account_id and a.unlinked_at is not null) then
    raise exception 'The account was unlinked: there is nothing to sync.' using errcode = 'OPSNP';
  end if;
end
$$;
