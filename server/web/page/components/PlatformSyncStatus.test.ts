import test from "ava";
import { createElement } from "react";
import { platform } from "../testing/accounts.ts";
import { rendered, textOf } from "../testing/rendered.ts";
import { type Platform, PlatformSyncStatus } from "./PlatformSyncStatus.tsx";

const shows = (fields: Partial<Platform>, language: "en" | "fr" = "en"): string =>
  textOf(rendered(createElement(PlatformSyncStatus, { platform: { ...platform, ...fields } }), { language }));

test("it tells by which platform accounts were last synced, and when the next one is", (t) => {
  t.is(shows({}), "Last synced via Mono 5 min ago · next tomorrow, 06:00");
  t.is(
    shows({ platformSource: "mtn_momo", label: "MTN MoMo API", lastSyncedAt: "2026-03-09T20:30:00Z" }),
    "Last synced via MTN MoMo API yesterday, 21:30 · next tomorrow, 06:00",
  );
  t.is(shows({ lastSyncedAt: null, nextSyncAt: null }), "Not synced via Mono yet");
  t.regex(shows({}, "fr"), /Mono il y a 5/);
});

test("it tells what holds a whole platform up", (t) => {
  t.is(
    shows({ providerDownUntil: "2026-03-10T13:05:00Z" }),
    "Last synced via Mono 5 min ago · Mono is down; asked again 14:05",
  );
  t.is(shows({ pausedUntil: "2026-03-10T13:05:00Z" }), "Last synced via Mono 5 min ago · Syncs are paused until 14:05");
  t.is(shows({ runningAccounts: 1 }), "Last synced via Mono 5 min ago", "the next is under way");
});
