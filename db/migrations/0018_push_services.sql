-- push_services: where a browser's subscription may lead. Whoever subscribes names the address that we then call, so an
-- address anywhere else would make us call whatever its owner likes: our own network, for one. Rows, so that an operator
-- can add a browser's new service, and the demo its simulator; no verb of users adds one.
create table app_private.push_services (
  -- In lower case; *.example.com is every host under it, and not it.
  host text not null constraint push_services_host check (host ~ '^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$'),
  port integer not null default 443 constraint push_services_port check (port between 1 and 65535),
  name text not null constraint push_services_name check (name <> ''),
  primary key (host, port)
);
alter table app_private.push_services enable row level security;
insert into app_private.push_services (host, name) values
  ('fcm.googleapis.com', 'Firebase Cloud Messaging'),
  ('updates.push.services.mozilla.com', 'Mozilla'),
  ('web.push.apple.com', 'Apple'),
  ('*.push.apple.com', 'Apple'),
  ('*.notify.windows.com', 'Windows');
