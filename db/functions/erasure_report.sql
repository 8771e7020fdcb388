-- What became of an erasure: when it was asked for and completed, and by table how many rows were erased and how many are
-- left; completed_at is null while a provider has not confirmed. Raises NTFND for a receipt that nobody was given.
create or replace function app_private.erasure_report(p_erasure_id uuid)
returns table (requested_at timestamptz, completed_at timestamptz, report jsonb)
language plpgsql stable security definer -- app_service has no table grants
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query select e.requested_at, e.completed_at, e.report from app_private.erasures e where e.id = p_erasure_id;
  if not found then
    raise exception 'There is no such erasure.' using errcode = 'NTFND';
  end if;
end
$$;
