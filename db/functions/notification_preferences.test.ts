import test from "ava";
import type { Client } from "pg";
import { rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asOwner, asUser, asVisitorNobody } from "../testing/roles.ts";
import { alice, bob, linkMomo, linkMono, noon, setClock } from "../testing/world.ts";

const preferences = (db: Client) =>
  rowOf(
    db,
    `select language::text, time_zone, quiet_hours, quiet_from, quiet_to, paused, tell_recovery
     from app_public.notification_preferences()`,
  );

const byDefault = {
  language: "en",
  time_zone: "UTC",
  quiet_hours: true,
  quiet_from: "22:00",
  quiet_to: "07:00",
  paused: false,
  tell_recovery: false,
};

test(
  "without a choice the defaults hold; a choice stays until it is made anew, and each is its user's own",
  withDb(async (t, db) => {
    await asUser(db, alice);
    t.deepEqual(await preferences(db), byDefault);
    await db.query(
      "select app_public.choose_notification_settings('fr', 'Asia/Kathmandu', true, '23:30', '06:15', false, true)",
    );
    const chosen = {
      language: "fr",
      time_zone: "Asia/Kathmandu",
      quiet_hours: true,
      quiet_from: "23:30",
      quiet_to: "06:15",
      paused: false,
      tell_recovery: true,
    };
    t.deepEqual(await preferences(db), chosen);
    await db.query("select app_public.choose_notification_settings(paused => true)");
    t.deepEqual(await preferences(db), { ...chosen, paused: true }, "pausing everything undoes nothing else");
    await db.query("select app_public.choose_notification_settings(paused => false, quiet_hours => false)");
    t.deepEqual(await preferences(db), { ...chosen, quiet_hours: false });
    await asUser(db, bob);
    t.deepEqual(await preferences(db), byDefault);
  }),
);

test(
  "the zone is the chosen one, else that of the hour of syncing, else that of the account linked first",
  withDb(async (t, db) => {
    const zone = async () => {
      await asUser(db, alice);
      const { time_zone: found } = await preferences(db);
      await asOwner(db);
      return found;
    };
    await setClock(db, noon);
    await linkMomo(db, { timeZone: "Africa/Kampala" });
    t.is(await zone(), "Africa/Kampala");
    await setClock(db, "2026-03-11T12:00:00Z");
    await linkMono(db);
    t.is(await zone(), "Africa/Kampala");
    await asUser(db, alice);
    await db.query("select app_public.choose_sync_settings('mono', null, 8, 'Europe/Dublin')");
    t.is(await zone(), "Europe/Dublin");
    await asUser(db, alice);
    await db.query("select app_public.choose_notification_settings(time_zone => 'America/St_Johns')");
    t.is(await zone(), "America/St_Johns");
  }),
);

test(
  "a choice that makes no sense is refused in a sentence, and changes nothing",
  withDb(async (t, db) => {
    await asUser(db, alice);
    for (const [sql, message] of [
      ["time_zone => 'Lagos'", /IANA name/],
      ["time_zone => 'Africa/Lagos; drop'", /IANA name/],
      ["quiet_from => '7'", /such as 22:00/],
      ["quiet_to => '24:00'", /such as 22:00/],
      ["quiet_to => 'noon'", /such as 22:00/],
      ["quiet_from => '07:00'", /Quiet hours end at another time/],
      ["quiet_from => '12:00', quiet_to => '12:00'", /Quiet hours end at another time/],
    ] as const) {
      const refusal = await refusalOf(db, () => db.query(`select app_public.choose_notification_settings(${sql})`));
      t.is(refusal.code, "SETNV", sql);
      t.regex(refusal.message, message);
    }
    t.deepEqual(await preferences(db), byDefault);
    await db.query("select app_public.choose_notification_settings(quiet_from => '12:00', quiet_to => '12:01')");
    t.like(await preferences(db), { quiet_from: "12:00", quiet_to: "12:01" });
  }),
);

test(
  "channels are chosen platform by platform, and the feed cannot be switched off",
  withDb(async (t, db) => {
    const channels = () =>
      rowsOf(
        db,
        `select c.platform_source::text as platform, c.channel::text, c.enabled
         from app_public.notification_preferences() p cross join unnest(p.channels) c`,
      );
    await asUser(db, alice);
    const all = ["mono", "mtn_momo"].flatMap((platform) =>
      ["onesignal", "web_push"].map((channel) => ({ platform, channel, enabled: true })),
    );
    t.deepEqual(await channels(), all);
    await db.query("select app_public.choose_notification_channel('mtn_momo', 'onesignal', false)");
    t.deepEqual(
      await channels(),
      all.map((one) => ({ ...one, enabled: !(one.platform === "mtn_momo" && one.channel === "onesignal") })),
    );
    await db.query("select app_public.choose_notification_channel('mtn_momo', 'onesignal', true)");
    t.deepEqual(await channels(), all);
    const refusal = await refusalOf(db, () =>
      db.query("select app_public.choose_notification_channel('mono', 'in_app', false)"),
    );
    t.is(refusal.code, "SETNV");
    t.deepEqual(await channels(), all);
  }),
);

test(
  "nobody chooses for nobody, and whoever is signed in reads no other's choices",
  withDb(async (t, db) => {
    await asUser(db, alice);
    await db.query("select app_public.choose_notification_settings('fr')");
    await db.query("select app_public.choose_notification_channel('mono', 'web_push', false)");
    await asVisitorNobody(db);
    for (const call of [
      "app_public.choose_notification_settings('fr')",
      "app_public.choose_notification_channel('mono', 'web_push', false)",
    ]) {
      t.is((await refusalOf(db, () => db.query(`select ${call}`))).code, "NTFND", call);
    }
    t.is(await valueOf(db, "select app_public.notification_preferences() is null"), true);
    await asUser(db, bob);
    t.is(await valueOf(db, "select count(*)::int from app_public.notification_settings"), 0);
    t.is(await valueOf(db, "select count(*)::int from app_public.notification_channels"), 0);
    await asUser(db, alice);
    t.is(await valueOf(db, "select count(*)::int from app_public.notification_settings"), 1, "the control");
  }),
);
