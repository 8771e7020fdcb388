import test from "ava";
import { createElement } from "react";
import { rendered, textOf } from "../testing/rendered.ts";
import { AccountSyncSettings, type Setting } from "./AccountSyncSettings.tsx";

const setting: Setting = {
  platformSource: "mono",
  syncInterval: null,
  preferredHour: null,
  timeZone: null,
  notificationsEnabled: true,
};
const html = (given?: Partial<Setting>): string =>
  rendered(
    createElement(AccountSyncSettings, {
      platformSource: "mono",
      label: "Mono",
      setting: given === undefined ? undefined : { ...setting, ...given },
    }),
  );
const chosen = (drawn: string): string[] =>
  [...drawn.matchAll(/<option[^>]* selected="">([^<]*)</g)].map(([, label]) => label ?? "");

test("what was never chosen is as the accounts are used, at any hour, with notifications", (t) => {
  t.deepEqual(chosen(html()), ["As often as the account is used", "Any hour"]);
  t.regex(html(), /<input type="checkbox" checked=""/);
  t.regex(textOf(html()), /Sync settings for Mono/);
});

test("what was chosen is shown, also an interval that the page does not offer", (t) => {
  const daily = html({
    syncInterval: { days: 1, hours: 0, minutes: 0 },
    preferredHour: 6,
    notificationsEnabled: false,
  });
  t.is(chosen(daily)[0], "Once a day");
  t.is(chosen(daily).length, 2);
  t.notRegex(daily, /checked=""/);
  t.deepEqual(chosen(html({ syncInterval: { days: 0, hours: 0, minutes: 45 } }))[0], "Every 45 minutes");
});

test("an hour of the day means nothing more often than daily", (t) => {
  const hour = (drawn: string): string => /<select[^>]*-hour"[^>]*>/.exec(drawn)?.[0] ?? "";
  t.regex(hour(html({ syncInterval: { days: 0, hours: 6, minutes: 0 } })), /disabled/);
  t.notRegex(hour(html({ syncInterval: { days: 2, hours: 0, minutes: 0 } })), /disabled/);
  t.notRegex(hour(html()), /disabled/);
});
