import { randomBytes, randomUUID } from "node:crypto";
import test, { type ExecutionContext } from "ava";
import type { FastifyInstance } from "fastify";
import type { Client } from "pg";
import { createLog } from "../../db/log.ts";
import { rowsOf, valueOf } from "../../db/testing/ask.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { begin, bob, fail, finish, leaseOf, linkMomo, linkMono } from "../../db/testing/world.ts";
import { type MonoSimulator, startMonoSimulator } from "../../scripts/simulators/mono/simulator.ts";
import { parseKeyring } from "../../tasks/@credentials/keyring.ts";
import { DeepLinks, LINK_LIFE_MS, openDeepLinks } from "../../tasks/@deep_links/deep_links.ts";
import { linkKey, signLink } from "../../tasks/@deep_links/link_token.ts";
import { identityKeyOf } from "../../tasks/@linking/identity_key.ts";
import { MonoForPeople } from "../../tasks/@linking/mono_for_people.ts";
import { createHttpClient } from "../../tasks/@http/client.ts";
import { createMonoClient } from "../../tasks/@providers/mono/client.ts";
import { createApp } from "../app.ts";
import { Linking } from "../linking.ts";
import type { LinkLimits } from "./routes.ts";

const publicUrl = "https://sync.example";
const keyring = parseKeyring(`test:${canarySecret("base64")}`);

type Scene = {
  owner: Client;
  mono: MonoSimulator;
  /** A bank account that the simulator knows; its consent has ended unless told. */
  bank: (options?: { connected?: boolean }) => Promise<{ accountId: string; userId: string }>;
  links: DeepLinks;
  identityKey: Buffer;
  logged: () => string;
  open: (options?: Partial<LinkLimits>) => FastifyInstance;
};

/** Path and query of the link that a notification of this moment would have. */
const pathOf = (links: DeepLinks, account: { accountId: string; userId: string }, madeAt = new Date()): string =>
  links.reauthentication(account, madeAt).webUrl?.slice(publicUrl.length) ?? "";

const withScene = (body: (t: ExecutionContext, scene: Scene) => Promise<void>) =>
  withClonedDb(async (t, cloned) => {
    const owner = await cloned.connect();
    const db = cloned.pool("app_service");
    const mono = await startMonoSimulator({ seed: "links" });
    const http = createHttpClient();
    const lines: string[] = [];
    const log = createLog({ level: "trace", destination: { write: (line) => void lines.push(line) } });
    const apps: FastifyInstance[] = [];
    try {
      await body(t, {
        owner,
        mono,
        async bank({ connected = false } = {}) {
          const account = await linkMono(owner, { externalId: mono.createAccount({ perWeek: 0 }) });
          if (!connected) await fail(owner, leaseOf(await begin(owner, account)), "auth_required");
          return account;
        },
        links: await openDeepLinks(db, keyring, { PUBLIC_URL: publicUrl, APP_DEEP_LINK_BASE: "budget://" }),
        identityKey: await identityKeyOf(db, keyring),
        logged: () => lines.join(""),
        open(limits = {}) {
          const client = createMonoClient({ http, baseUrl: mono.url, secretKey: mono.secretKey });
          const momo = { baseUrl: "https://momo.example", targetEnvironment: "mtnuganda" };
          const linking = new Linking({ db, keyring, mono: new MonoForPeople({ client, db }), momo, publicUrl });
          const app = createApp({
            db: cloned.pool("app_authenticator"),
            log,
            reauthentication: { db, keyring, linking, publicUrl, limits },
          });
          apps.push(app);
          return app;
        },
      });
    } finally {
      await Promise.all(apps.map((app) => app.close()));
      await http.close();
      await mono.close();
    }
  });

const minted = (mono: MonoSimulator): number => mono.requests()["POST /v2/accounts/initiate"] ?? 0;
const episodes = (owner: Client) => rowsOf(owner, "select tapped_at, recovered_at from app_private.auth_episodes");

test.serial(
  "a tap leads to a page at Mono, is remembered once, and a second tap leads to the same page, on any server",
  withScene(async (t, { owner, mono, bank, links, open }) => {
    const account = await bank();
    const [app, other] = [open(), open()];
    const url = pathOf(links, account);
    const first = await app.inject(url);
    t.is(first.statusCode, 303, first.body);
    t.true(first.headers.location?.startsWith(`${mono.url}/connect/`));
    t.is(first.headers["cache-control"], "no-store");
    t.is(first.headers["referrer-policy"], "no-referrer");
    const [episode] = await episodes(owner);
    t.not(episode?.tapped_at, null);

    const taps = await Promise.all([
      app.inject(url),
      other.inject(url),
      app.inject(`${url.slice(0, 37).toUpperCase()}${url.slice(37)}`),
    ]);
    t.deepEqual(
      taps.map(({ headers }) => headers.location),
      Array.from({ length: 3 }, () => first.headers.location),
    );
    t.is(minted(mono), 1);
    t.deepEqual(await episodes(owner), [episode]);

    await owner.query("update app_private.reauth_links set minted_at = minted_at - interval '3 minutes'");
    const late = await app.inject(url);
    t.is(late.statusCode, 303);
    t.not(late.headers.location, first.headers.location);
    t.is(minted(mono), 2);
    const stored = await valueOf(owner, "select encode(sealed, 'escape') from app_private.reauth_links");
    t.false(String(stored).includes("/connect/"), "it lies sealed");
  }),
);

test.serial(
  "people who tap at the same moment share one page",
  withScene(async (t, { mono, bank, links, open }) => {
    const url = pathOf(links, await bank());
    const app = open();
    const taps = await Promise.all(Array.from({ length: 5 }, () => app.inject(url)));
    t.is(new Set(taps.map(({ headers }) => headers.location)).size, 1);
    t.is(minted(mono), 1);
  }),
);

test.serial(
  "HEAD and prefetches look, and neither mint nor tap; the tap after them does",
  withScene(async (t, { owner, mono, bank, links, open }) => {
    const account = await bank();
    const url = pathOf(links, account);
    const app = open();
    const head = await app.inject({ method: "HEAD", url });
    t.is(head.statusCode, 200);
    t.is(head.body, "");
    for (const headers of [{ "sec-purpose": "prefetch;prerender" }, { purpose: "prefetch" }, { "x-moz": "prefetch" }]) {
      t.is((await app.inject({ url, headers })).statusCode, 204);
    }
    t.is((await app.inject({ method: "HEAD", url: `${url}x` })).statusCode, 404);
    t.is(minted(mono), 0);
    t.like(await episodes(owner), [{ tapped_at: null }]);

    t.is((await app.inject(url)).statusCode, 303);
    t.is(minted(mono), 1);
    t.not((await episodes(owner))[0]?.tapped_at, null);
  }),
);

test.serial(
  "a link that was tampered with, of another account, user or purpose, opens nothing and tells nothing; the real one does",
  withScene(async (t, { owner, mono, bank, links, identityKey, open, logged }) => {
    const [account, other] = [await bank(), await bank()];
    const app = open();
    const url = pathOf(links, account);
    const path = (token: string, id = account.accountId) => `/${id}/reauth?t=${token}`;
    const token = url.split("t=")[1] ?? "";
    const later = new Date(Date.now() + 60_000);
    const forged = [
      path(`${token.slice(0, 26)}${token.endsWith("A") ? "B" : "A"}`),
      path(token, other.accountId),
      path(token, randomUUID()),
      path(token, "not-a-uuid"),
      path(""),
      path("x".repeat(5000)),
      `/${account.accountId}/reauth`,
      `${url}&t=${token}`,
      pathOf(links, { ...account, userId: bob }),
      path(signLink(linkKey(identityKey), { ...account, purpose: "unsubscribe" }, later)),
      path(signLink(linkKey(randomBytes(32)), { ...account, purpose: "reauth" }, later)),
    ];
    const answers = await Promise.all(forged.map((each) => app.inject(each)));
    for (const [at, answer] of answers.entries()) {
      t.is(answer.statusCode, 404, forged[at]);
      t.is(answer.body, answers[0]?.body ?? "");
      t.regex(String(answer.headers["content-type"]), /^text\/html/);
    }
    t.is(minted(mono), 0);
    t.like(await episodes(owner), [{ tapped_at: null }, { tapped_at: null }]);
    t.is(
      (await app.inject(path(signLink(linkKey(identityKey), { ...account, purpose: "reauth" }, later)))).statusCode,
      303,
    );
    t.is((await app.inject(url)).statusCode, 303);
    t.false(logged().includes(token));
    const reasons = [...logged().matchAll(/"why":"([^"]+)".*a re-authentication link led nowhere/g)];
    const lines = (why: string) => reasons.filter(([, said]) => said === why).length;
    t.deepEqual(
      [reasons.length, lines("malformed"), lines("no such account"), lines("not signed for this account and purpose")],
      [forged.length, 4, 1, 6],
      "one line each for the operator",
    );
  }),
);

test.serial(
  "an expired link says so, by business time",
  withScene(async (t, { owner, bank, links, open }) => {
    const account = await bank();
    const url = pathOf(links, account);
    const app = open();
    t.is((await app.inject(url)).statusCode, 303);
    await owner.query("select app_private.set_clock(now() + interval '7 days')");
    const late = await app.inject(url);
    t.is(late.statusCode, 410);
    t.regex(late.body, /This link has expired/);
    t.true(late.body.includes(`href="${publicUrl}/"`));
    const fresh = new Date(Date.now() + LINK_LIFE_MS);
    t.is((await app.inject(pathOf(links, account, fresh))).statusCode, 303);
  }),
);

test.serial(
  "a link to an account that is connected again, or not linked any more, leads nowhere",
  withScene(async (t, { owner, mono, bank, links, open }) => {
    const app = open();
    const connected = await bank({ connected: true });
    await finish(owner, leaseOf(await begin(owner, connected)));
    const answer = await app.inject(pathOf(links, connected));
    t.is(answer.statusCode, 200);
    t.regex(answer.body, /This account is connected/);
    const ended = await bank();
    await owner.query("select app_private.unlink_accounts(array[$1::uuid])", [ended.accountId]);
    const gone = await app.inject(pathOf(links, ended));
    t.is(gone.statusCode, 410);
    t.is(minted(mono), 0);
  }),
);

test.serial(
  "a wallet's link opens its set-up, and is a tap as well",
  withScene(async (t, { owner, mono, links, open }) => {
    const wallet = await linkMomo(owner);
    await fail(owner, leaseOf(await begin(owner, wallet, "w", "mtn_momo")), "auth_required");
    const answer = await open().inject(pathOf(links, wallet));
    t.is(answer.statusCode, 303);
    t.is(answer.headers.location, `${publicUrl}/?setup=${wallet.accountId}`);
    t.not((await episodes(owner))[0]?.tapped_at, null);
    t.is(minted(mono), 0);
  }),
);

test.serial(
  "where Mono does not answer the link stays good; where it no longer knows the account, its owner is told what to do",
  withScene(async (t, { owner, mono, bank, links, open, logged }) => {
    const app = open();
    const account = await bank();
    const url = pathOf(links, account);
    const { secretKey } = mono;
    mono.setKey({ secretKey: "test_sk_another" });
    const silent = await app.inject(url);
    t.is(silent.statusCode, 503);
    t.is(silent.headers["retry-after"], "120");
    t.false(silent.body.includes("test_sk") || silent.body.includes(account.accountId));
    t.regex(logged(), /a re-authentication link failed/);
    mono.setKey({ secretKey });
    t.is((await app.inject(url)).statusCode, 303);

    const forgotten = await linkMono(owner, { externalId: "000000000000000000000000" });
    await fail(owner, leaseOf(await begin(owner, forgotten)), "auth_required");
    const gone = await app.inject(pathOf(links, forgotten));
    t.is(gone.statusCode, 409);
    t.regex(gone.body, /must be linked again/);
  }),
);

test.serial(
  "requests are limited by address and, where the link is good, by account",
  withScene(async (t, { bank, links, open }) => {
    const [account, other] = [await bank(), await bank()];
    const app = open({ requests: 8, account: 2 });
    const url = pathOf(links, account);
    const statuses = async (...urls: string[]) => {
      const answers = [];
      for (const each of urls) answers.push((await app.inject(each)).statusCode);
      return answers;
    };
    t.deepEqual(
      await statuses(`${url}x`, `${url}x`, `${url}x`),
      [404, 404, 404],
      "no stranger uses up what its owner may",
    );
    t.deepEqual(await statuses(url, url, url), [303, 303, 429]);
    const otherUrl = pathOf(links, other);
    t.deepEqual(await statuses(otherUrl, otherUrl, otherUrl), [303, 303, 429]);
    const limited = await app.inject(otherUrl);
    t.regex(limited.body, /Too many requests/);
    t.regex(String(limited.headers["retry-after"]), /^\d+$/);
  }),
);
