import test from "ava";
import { pino } from "pino";
import { withClonedDb } from "../../db/testing/database.ts";
import { createApp } from "../app.ts";

const log = pino({ level: "silent" });

test(
  "/readyz: ready with the database of this code or of a later one, not with an older one or without a dispatcher",
  withClonedDb(async (t, cloned) => {
    const owner = await cloned.connect("app_owner");
    const app = createApp({ db: cloned.pool("app_authenticator"), log });
    t.teardown(() => app.close());
    const ready = () => app.inject("/readyz");

    t.is((await app.inject("/healthz")).statusCode, 200);
    const idle = await ready();
    t.is(idle.statusCode, 503);
    t.like(idle.json(), { ready: false, checks: { migrations: "ok", "dispatcher mono": "has never ticked" } });

    // An hour ahead: however slow this machine is, the tick does not grow old meanwhile.
    await owner.query("update app_private.platforms set last_dispatch_at = clock_timestamp() + interval '1 hour'");
    const well = await ready();
    t.is(well.statusCode, 200);
    t.notRegex(well.body, /notes/);

    // A later release has migrated; this server goes on until it is replaced.
    await owner.query("insert into app_private.migrations (name, run_on) values ('9990_later', now())");
    const ahead = await ready();
    t.is(ahead.statusCode, 200);
    t.like(ahead.json(), { ready: true, checks: { migrations: "ok" } });
    t.like(ahead.json(), { notes: ["the database is newer than this code: 9990_later"] });

    await owner.query("delete from app_private.migrations where name = '0001_platforms'");
    const behind = await ready();
    t.is(behind.statusCode, 503);
    t.like(behind.json(), { ready: false, checks: { migrations: "not applied: 0001_platforms" } });
  }),
);
