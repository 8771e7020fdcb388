-- A browser of one's own wants no pushes any more. Answers it, or null where there was none: asked twice is no mistake.
create or replace function app_public.remove_push_subscription(endpoint text) returns app_public.push_subscriptions
language sql security definer -- visitors delete nothing themselves
set search_path = pg_catalog, pg_temp
as $$
  delete from app_public.push_subscriptions s
  where s.endpoint = remove_push_subscription.endpoint and s.user_id = app_public.current_user_id()
  returning s.*;
$$;
comment on function app_public.remove_push_subscription(text) is
  E'@param endpoint The subscription''s endpoint, as the browser gave it.\n'
  '@result The subscription that was removed; null where there was none.\n'
  'Ends web push to a browser.';
