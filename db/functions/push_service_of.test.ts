import test from "ava";
import fc from "fast-check";
import { pushServiceOf } from "../../tasks/@channels/web_push/endpoint.ts";
import { listPushServices } from "../queries/push_services.ts";
import { valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { asOwner, asWorker } from "../testing/roles.ts";

const allowed: [string, string][] = [
  ["https://fcm.googleapis.com/fcm/send/eXq:APA91bH-_x", "Firebase Cloud Messaging"],
  ["https://fcm.googleapis.com:443/wp/x", "Firebase Cloud Messaging"],
  ["https://updates.push.services.mozilla.com/wpush/v2/gAAAA", "Mozilla"],
  [`https://fcm.googleapis.com/${"x".repeat(1973)}`, "Firebase Cloud Messaging"],
  ["https://web.push.apple.com/QGuX", "Apple"],
  ["https://api.push.apple.com/3/device/x", "Apple"],
  ["https://wns2-par02p.notify.windows.com/w/?token=BQYAAA%2f%2b", "Windows"],
];

const refused = [
  "",
  "https://example.com/x",
  "http://fcm.googleapis.com/x",
  "https://fcm.googleapis.com",
  "https://fcm.googleapis.com/",
  "https://fcm.googleapis.com:8443/x",
  "https://fcm.googleapis.com:0443/x",
  "https://FCM.googleapis.com/x",
  "https://fcm.googleapis.com./x",
  "https://fcm.googleapis.com.example.com/x",
  "https://evilfcm.googleapis.com/x",
  "https://fcm.googleapis.com@127.0.0.1/x",
  "https://127.0.0.1\\@fcm.googleapis.com/x",
  "https://fcm.googleapis.com\\.example.com/x",
  "https://fcm.googleapis.com/x#y",
  "https://fcm.googleapis.com/x y",
  "https://fcm.googleapis.com/x\n",
  "https://fcm.googleapis.com/é",
  "https://push.apple.com/x",
  "https://.push.apple.com/x",
  "https://evilpush.apple.com/x",
  "https://notify.windows.com/x",
  "https://localhost/x",
  "https://127.0.0.1/x",
  "https://[::1]/x",
  "https://169.254.169.254/latest/meta-data",
  " https://fcm.googleapis.com/x",
  `https://fcm.googleapis.com/${"x".repeat(2000)}`,
];

test(
  "browsers' push services are let in, and nothing that only looks like them",
  withDb(async (t, db) => {
    const services = await listPushServices(db);
    for (const [endpoint, name] of allowed) {
      t.is(await valueOf(db, "select app_private.push_service_of($1)", [endpoint]), name, endpoint);
      t.is(pushServiceOf(endpoint, services)?.name, name, endpoint);
    }
    for (const endpoint of refused) {
      t.is(await valueOf(db, "select app_private.push_service_of($1)", [endpoint]), null, endpoint);
      t.is(pushServiceOf(endpoint, services), null, endpoint);
    }
    t.is(await valueOf(db, "select app_private.push_service_of(null)"), null);
  }),
);

test(
  "a row lets one more in, with its port; a worker reads the list and nobody but the owner changes it",
  withDb(async (t, db) => {
    const endpoint = "https://localhost:4444/push/x";
    t.is(await valueOf(db, "select app_private.push_service_of($1)", [endpoint]), null);
    await db.query("insert into app_private.push_services (host, port, name) values ('localhost', 4444, 'simulator')");
    t.is(await valueOf(db, "select app_private.push_service_of($1)", [endpoint]), "simulator");
    t.is(await valueOf(db, "select app_private.push_service_of('https://localhost/push/x')"), null);
    await asWorker(db);
    t.is(pushServiceOf(endpoint, await listPushServices(db))?.name, "simulator");
    await asOwner(db);
  }),
);

const host = fc.oneof(
  fc.constantFrom("fcm.googleapis.com", "web.push.apple.com", "a.notify.windows.com", "localhost", "127.0.0.1"),
  fc
    .tuple(fc.constantFrom("x.", "", "x"), fc.constantFrom("push.apple.com", "notify.windows.com"))
    .map((p) => p.join("")),
  fc.domain(),
);
const awkward = fc.constantFrom("", "@", "\\", "#", "?", ":443", ":444", "%2e", ".", "/", "//", "\t", "é", "user:pw@");
const endpoint = fc
  .tuple(fc.constantFrom("https://", "http://", "https:/", "HTTPS://"), awkward, host, awkward, fc.webPath(), awkward)
  .map((parts) => parts.join(""));

test(
  "SQL and the sender judge every address alike, and what they let in is called at that very host",
  withDb(async (t, db) => {
    const services = await listPushServices(db);
    await fc.assert(
      fc.asyncProperty(fc.array(endpoint, { minLength: 1, maxLength: 50 }), async (endpoints) => {
        const { rows } = await db.query<{ name: string | null }>(
          "select app_private.push_service_of(e) as name from unnest($1::text[]) with ordinality as t (e, n) order by n",
          [endpoints],
        );
        for (const [index, url] of endpoints.entries()) {
          const service = pushServiceOf(url, services);
          if ((rows[index]?.name ?? null) !== (service?.name ?? null)) return false;
          if (service !== null && !new URL(url).hostname.endsWith(service.host.replace("*", ""))) return false;
        }
        return true;
      }),
      { numRuns: 60 },
    );
    t.pass();
  }),
);
