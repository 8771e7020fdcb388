-- The push service that a subscription's endpoint belongs to; null where it is none of ours, and then nobody may subscribe
-- with it or send to it.
--
-- Deliberately stricter than URLs are: https, a plain host in lower case, an optional port, a path of ordinary characters.
-- What two parsers could read in two ways (user names, backslashes, escapes in the host) is refused, so that the host which
-- is judged here is the one that is called. tasks/@channels/web_push/endpoint.ts holds the same rule at the moment of
-- sending; push_service_of.test.ts compares the two.
create or replace function app_private.push_service_of(p_endpoint text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select s.name
  from regexp_match(
      p_endpoint,
      '^https://([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::([1-9][0-9]{0,4}))?/[A-Za-z0-9._~!$&''()*+,;=:@%/?-]+$'
    ) as part
  join app_private.push_services s
    on s.port = coalesce(part[2]::integer, 443)
      and (s.host = part[1] or (s.host like '*.%' and part[1] like '%_' || substr(s.host, 2)))
  where length(p_endpoint) <= 2000
  order by s.host
  limit 1;
$$;
