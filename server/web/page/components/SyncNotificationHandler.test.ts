import test from "ava";
import { createElement } from "react";
import { FeedDocument, type FeedQuery, NotificationSettingsDocument } from "../graphql/operations.ts";
import { account } from "../testing/accounts.ts";
import { answered, rendered, textOf } from "../testing/rendered.ts";
import { SyncNotificationHandler } from "./SyncNotificationHandler.tsx";

const notification: FeedQuery["notifications"]["nodes"][number] = {
  id: "7",
  accountId: account.id,
  kind: "reauth_required",
  title: "GTBank needs you",
  body: "Log in again to keep Salary up to date.",
  createdAt: "2026-03-10T11:00:00Z",
  readAt: null,
};
const html = (feed: FeedQuery["notifications"]["nodes"], unread: number): string =>
  rendered(createElement(SyncNotificationHandler, { onShow: () => {} }), {
    answers: [
      answered(NotificationSettingsDocument, {}, { notificationPreferences: null }),
      answered(FeedDocument, { language: "en" }, { unreadNotifications: unread, notifications: { nodes: feed } }),
    ],
  });

test("the feed tells what happened and when, and the bell how much of it is unread", (t) => {
  const read = { ...notification, id: "6", title: "Zenith works again", readAt: "2026-03-10T10:00:00Z" };
  const drawn = html([notification, read], 1);
  t.regex(drawn, /aria-label="Notifications, 1 unread"/);
  t.regex(textOf(drawn), /GTBank needs you Log in again to keep Salary up to date\. 10 min ago/);
  t.regex(drawn, /<li class="is-unread">.*GTBank needs you.*<li class="">.*Zenith works again/s);
  t.regex(textOf(drawn), /Mark all as read/);
});

test("without anything to tell it says what would be told", (t) => {
  const drawn = html([], 0);
  t.regex(drawn, /aria-label="Notifications"/);
  t.regex(textOf(drawn), /Nothing yet\. You are told here, once, when an account needs you\./);
  t.notRegex(textOf(drawn), /Mark all as read/);
});

test("more than nine unread are not counted on the bell, but are to who hears it", (t) => {
  const drawn = html([notification], 12);
  t.regex(drawn, /bell-count[^>]*>9\+</);
  t.regex(drawn, /aria-label="Notifications, 12 unread"/);
});
