-- Roles and schemas: the only part of a migration that runs as the login itself, not as app_owner. Idempotent.
-- Needs CREATEROLE and CREATE on the database, never a superuser (RDS, Supabase and Neon give no more than that).
do $$
declare
  v_role text;
begin
  foreach v_role in array array['app_owner', 'app_authenticator', 'app_visitor', 'app_service', 'app_worker', 'app_admin'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
      begin
        execute format('create role %I nologin noinherit', v_role);
      exception when duplicate_object or unique_violation then
        null; -- another database of this cluster is being migrated at this moment
      end;
    end if;
  end loop;
end
$$;

-- app_owner must inherit: a SECURITY DEFINER verb calls graphile_worker.add_job with the privileges of app_worker.
-- With table grants alone that call fails on graphile_worker's row level security.
do $$
begin
  if not (select rolinherit from pg_catalog.pg_roles where rolname = 'app_owner') then
    alter role app_owner inherit;
  end if;
  if not pg_catalog.pg_has_role('app_owner', 'app_worker', 'usage') then
    grant app_worker to app_owner;
  end if;
  -- The server's login becomes whoever asks, and is nobody by itself.
  if not pg_catalog.pg_has_role('app_authenticator', 'app_visitor', 'member') then
    grant app_visitor to app_authenticator;
  end if;
  if not pg_catalog.pg_has_role('app_authenticator', 'app_service', 'member') then
    grant app_service to app_authenticator;
  end if;
end
$$;

-- The login that migrates may act as each of them (Postgres 16 and later: a creator has ADMIN but not SET).
do $$
declare
  v_role text;
begin
  foreach v_role in array array['app_owner', 'app_authenticator', 'app_visitor', 'app_service', 'app_worker', 'app_admin'] loop
    if not pg_catalog.pg_has_role(current_user, v_role, 'member')
      or (current_setting('server_version_num')::int >= 160000
          and not (select rolsuper from pg_catalog.pg_roles where rolname = current_user)
          and not exists (
            select from pg_catalog.pg_auth_members m
            where m.roleid = v_role::regrole and m.member = current_user::regrole
              and (to_jsonb(m) ->> 'set_option')::boolean
          ))
    then
      execute format('grant %I to current_user', v_role);
    end if;
  end loop;
end
$$;

create schema if not exists app_public authorization app_owner;
create schema if not exists app_private authorization app_owner;
create schema if not exists app_admin authorization app_owner;
