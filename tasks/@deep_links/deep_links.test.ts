import { randomBytes, randomUUID } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { withDb } from "../../db/testing/database.ts";
import { asWorker } from "../../db/testing/roles.ts";
import { parseKeyring } from "../@credentials/keyring.ts";
import { rotateIdentityKey } from "../@linking/identity_key.ts";
import { DeepLinks, LINK_LIFE_MS, openDeepLinks } from "./deep_links.ts";
import { linkKey, signLink, verifyLink } from "./link_token.ts";

const bases = { PUBLIC_URL: "https://sync.example", APP_DEEP_LINK_BASE: "budget://" };
const key = linkKey(randomBytes(32));
const account = { accountId: randomUUID(), userId: randomUUID() };
const madeAt = new Date("2026-11-25T10:00:00.700Z");

const tokenOf = (url: string | null): string => new URL(url ?? "").searchParams.get("t") ?? "";
const after = (milliseconds: number): Date => new Date(madeAt.getTime() + milliseconds);

test("a link leads to the web page and to the app, under one path", (t) => {
  const { webUrl, appUrl } = new DeepLinks(key, bases).reauthentication(account, madeAt);
  t.regex(webUrl ?? "", new RegExp(`^https://sync\\.example/${account.accountId}/reauth\\?t=[\\w-]{27}$`));
  t.is(appUrl, webUrl?.replace("https://sync.example/", "budget://") ?? null);
  t.false(webUrl?.includes(account.userId));
  t.deepEqual(new DeepLinks(key, bases).settings("a"), {
    webUrl: "https://sync.example/?account=a",
    appUrl: "budget://?account=a",
  });
});

test("without a base there is no link, and each base does alone", (t) => {
  const none = { PUBLIC_URL: undefined, APP_DEEP_LINK_BASE: undefined };
  t.deepEqual(new DeepLinks(key, none).reauthentication(account, madeAt), { webUrl: null, appUrl: null });
  const app = new DeepLinks(key, { ...none, APP_DEEP_LINK_BASE: "https://app.example/links" });
  const { webUrl, appUrl } = app.reauthentication(account, madeAt);
  t.is(webUrl, null);
  t.true(appUrl?.startsWith(`https://app.example/links/${account.accountId}/reauth?t=`));
});

test("a link works for seven days, whoever verifies it with the same key", (t) => {
  const token = tokenOf(new DeepLinks(key, bases).reauthentication(account, madeAt).webUrl);
  const server = new DeepLinks(key, { PUBLIC_URL: undefined, APP_DEEP_LINK_BASE: undefined });
  t.is(server.verifyReauthentication(account, token, madeAt), "valid");
  t.is(server.verifyReauthentication(account, token, after(LINK_LIFE_MS - 1000)), "valid");
  t.is(server.verifyReauthentication(account, token, after(LINK_LIFE_MS)), "expired");
  t.is(new DeepLinks(linkKey(randomBytes(32)), bases).verifyReauthentication(account, token, madeAt), "invalid");
});

const purposes = fc.record({
  purpose: fc.constantFrom("reauth", "unsubscribe", ""),
  accountId: fc.uuid(),
  userId: fc.uuid(),
});

test("a token is valid for what was signed and for nothing else", (t) => {
  fc.assert(
    fc.property(purposes, purposes, fc.boolean(), (about, other, upper) => {
      const token = signLink(key, about, after(1000));
      const same = upper ? { ...about, accountId: about.accountId.toUpperCase() } : about;
      t.is(verifyLink(key, same, token, madeAt), "valid");
      for (const field of ["purpose", "accountId", "userId"] as const) {
        const verdict = verifyLink(key, { ...about, [field]: other[field] }, token, madeAt);
        t.is(verdict, other[field] === about[field] ? "valid" : "invalid", field);
      }
    }),
  );
});

test("a token of which one character is another is invalid, also when it is expired", (t) => {
  const about = { ...account, purpose: "reauth" };
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const token = signLink(key, about, after(1000));
  t.regex(token, /^[\w-]{27}$/);
  for (let at = 0; at < token.length; at += 1) {
    for (const character of alphabet) {
      const changed = `${token.slice(0, at)}${character}${token.slice(at + 1)}`;
      const isSame = changed === token;
      t.is(verifyLink(key, about, changed, madeAt), isSame ? "valid" : "invalid");
      t.is(verifyLink(key, about, changed, after(2000)), isSame ? "expired" : "invalid");
    }
  }
});

test("what is no token is invalid", (t) => {
  const about = { ...account, purpose: "reauth" };
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String(), fc.string({ minLength: 27, maxLength: 27 })), (text) => {
      t.is(verifyLink(key, about, text, madeAt), "invalid");
    }),
  );
  const token = signLink(key, about, after(1000));
  for (const text of [`${token}=`, ` ${token}`, token.slice(1), `${token}\n`]) {
    t.is(verifyLink(key, about, text, madeAt), "invalid");
  }
});

test(
  "worker and server share the key, also after the encryption keys were rotated",
  withDb(async (t, db) => {
    await asWorker(db);
    const [old, fresh] = [0, 1].map((id) => `${id}:${canarySecret("base64")}`);
    const links = await openDeepLinks(db, parseKeyring(old ?? ""), bases);
    const token = tokenOf(links.reauthentication(account, madeAt).webUrl);
    t.true(await rotateIdentityKey(db, parseKeyring(`${fresh},${old}`)));
    const later = await openDeepLinks(db, parseKeyring(fresh ?? ""), bases);
    t.is(later.verifyReauthentication(account, token, madeAt), "valid");
  }),
);
