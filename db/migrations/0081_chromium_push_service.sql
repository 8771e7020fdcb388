-- Chromium that was built without Google's keys, as Linux distributions do, is subscribed here and not at fcm.googleapis.com.
insert into app_private.push_services (host, name) values ('jmt17.google.com', 'Firebase Cloud Messaging') on conflict do nothing;
