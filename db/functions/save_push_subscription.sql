-- A browser of one's own that wants pushes: what PushSubscription.toJSON() has. The same browser again only renews its keys;
-- a browser in which somebody else signed in before is now this user's, so that nobody reads another's messages. Of more
-- than 20, the one saved longest ago is dropped: browsers change their endpoint and tell nobody.
-- Raises PSHNV for keys that no browser makes, or an endpoint of no push service we know.
create or replace function app_public.save_push_subscription(endpoint text, p256dh text, auth text)
returns app_public.push_subscriptions
language plpgsql security definer -- visitors write no subscription themselves
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := app_public.current_user_id();
  -- Some libraries pad.
  v_p256dh text := coalesce(translate(rtrim(save_push_subscription.p256dh, '='), '+/', '-_'), '');
  v_auth text := coalesce(translate(rtrim(save_push_subscription.auth, '='), '+/', '-_'), '');
  v_saved app_public.push_subscriptions;
begin
  if v_user_id is null then
    raise exception 'Sign in to be notified.' using errcode = 'NTFND';
  end if;
  if app_private.push_service_of(save_push_subscription.endpoint) is null then
    raise exception 'The endpoint is not an address of a push service that we know.' using errcode = 'PSHNV';
  end if;
  -- An uncompressed point of P-256 begins with 4 (RFC 8291): 65 bytes, the first of them 0x04.
  if v_p256dh !~ '^B[A-P][A-Za-z0-9_-]{85}$' then
    raise exception 'p256dh is not the public key of a browser.' using errcode = 'PSHNV';
  end if;
  if v_auth !~ '^[A-Za-z0-9_-]{22}$' then
    raise exception 'auth is not the secret of a browser.' using errcode = 'PSHNV';
  end if;

  -- One of a user at a time, or two could each count twenty.
  perform pg_advisory_xact_lock(hashtextextended('push ' || v_user_id, 0));
  delete from app_public.push_subscriptions s
  where s.endpoint = save_push_subscription.endpoint and s.user_id <> v_user_id;
  insert into app_public.push_subscriptions as s (user_id, endpoint, p256dh, auth, saved_at)
  values (v_user_id, save_push_subscription.endpoint, v_p256dh, v_auth, app_private.clock())
  on conflict on constraint push_subscriptions_endpoint_key do update
  set user_id = excluded.user_id, p256dh = excluded.p256dh, auth = excluded.auth, saved_at = excluded.saved_at
  returning * into v_saved;
  delete from app_public.push_subscriptions s
  where s.id in (
    select o.id from app_public.push_subscriptions o where o.user_id = v_user_id order by o.saved_at desc, o.id desc offset 20
  );
  return v_saved;
end
$$;
comment on function app_public.save_push_subscription(text, text, text) is
  E'@param endpoint The subscription''s endpoint, as the browser gave it.\n'
  '@param p256dh Its key p256dh, base64url.\n'
  '@param auth Its key auth, base64url.\n'
  '@result The saved subscription.\n'
  'Lets this browser be notified by web push. Saving it again renews its keys.';
