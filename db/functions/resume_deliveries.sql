-- A worker begins that has keys for these channels: what waited for an operator to mend them is due at once, and so are the tags
-- of users whom OneSignal was not told of for the same reason. At most p_limit of each; answers how many of that of which there
-- were more, so that whoever gets fewer than p_limit is through. Should a key still be refused, they wait again as before.
create or replace function app_private.resume_deliveries(
  p_channels app_public.notification_channel[], p_limit integer default 1000
) returns integer
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  v_deliveries integer;
  v_mirrors integer := 0;
begin
  update app_private.deliveries d
  set next_attempt_at = app_private.clock(), needs_operator = false
  where d.id in (
    select w.id
    from app_private.deliveries w
    where w.needs_operator and w.channel = any (p_channels) and w.leased_until is null
    limit p_limit
    for no key update skip locked
  );
  get diagnostics v_deliveries = row_count;
  if 'onesignal' = any (p_channels) then
    update app_private.tag_mirrors m
    set next_attempt_at = app_private.clock(), needs_operator = false
    where m.user_id in (
      select w.user_id from app_private.tag_mirrors w where w.needs_operator limit p_limit for no key update skip locked
    );
    get diagnostics v_mirrors = row_count;
  end if;
  return greatest(v_deliveries, v_mirrors);
end
$$;
