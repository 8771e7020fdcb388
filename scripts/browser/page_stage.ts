import { createHash, randomBytes } from "node:crypto";
import type { ExecutionContext } from "ava";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { z } from "zod";
import { parseServiceTokens } from "../../db/service_tokens.ts";
import { unreadLog } from "../../db/testing/canaries/unread_log.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { MonoForPeople } from "../../tasks/@linking/mono_for_people.ts";
import { createMonoClient } from "../../tasks/@providers/mono/client.ts";
import { createHttpClient } from "../../tasks/@http/client.ts";
import { keepRunning } from "../../tasks/@worker/keep_running.ts";
import { openStage, type Stage } from "../soak/stage.ts";
import { createApp } from "../../server/app.ts";
import type { InboundDependencies } from "../../server/inbound.ts";
import type { Demo } from "../../server/routes/demo.ts";
import { createVerifier } from "../../server/identity.ts";
import { Linking } from "../../server/linking.ts";
import { signingSecret, tokenOf } from "../../server/testing/graphql_api.ts";
import { buildPage } from "../../server/web/build_page.ts";
import { openBrowser, openPerson } from "../../server/web/testing/browser.ts";
import { type Network, openNetwork } from "../../server/web/testing/network.ts";

/** Simulators, Postgres, the server with its page, and a browser; a worker when asked for. */
export type PageStage = {
  stage: Stage;
  browser: Browser;
  network: Network;
  /** Business time. */
  startAt: number;
  /** GraphQL operations by name that the server was asked, oldest first. */
  asked: string[];
  /** Starts the real runners. Without them nothing is synced, and time stands still. */
  work: () => void;
  /** The page as this person sees it, signed in by the fragment as an app would do it. */
  visit: (userId: string, options?: Visit) => Promise<Page>;
  /** What live updates have brought to a page of a person who visits, as the server wrote it. */
  heard: (page: Page) => readonly string[];
};

export type Visit = BrowserContextOptions & {
  path?: string;
  /** The page's clock stands at business time, so that its pictures are always the same. */
  isFrozen?: boolean;
};

/** In Lagos, on a Tuesday: whenever a test runs, it says "yesterday" of the same day. */
export const NOON = Date.parse("2026-03-10T11:00:00.000Z");

const address = z.object({ port: z.number() });
const operation = z.object({ operationName: z.string() });

/**
 * Runs the test on a stage of its own. Tests of one file take turns: use test.serial.
 *
 * @param people whom the demo's sign-in knows; without any, as in production, people come with a token
 */
export function onPageStage(
  body: (t: ExecutionContext, page: PageStage) => Promise<void>,
  { startAt = NOON, people = [] }: { startAt?: number; people?: Demo["users"] } = {},
): (t: ExecutionContext) => Promise<void> {
  return withClonedDb(async (t, cloned) => {
    const log = unreadLog();
    // What was opened is closed, the last first, even where an opening or a closing fails: what stays open would keep the
    // process, and nobody would hear of the failure before AVA's patience ends.
    await using opened = new AsyncDisposableStack();
    const { folder } = await buildPage();
    const stage = opened.adopt(await openStage({ databaseUrl: cloned.url, seed: "page", startAt, log }), (it) =>
      it.close(),
    );
    const http = opened.adopt(createHttpClient(), (it) => it.close());
    let port = 0;
    const network = opened.adopt(await openNetwork(() => port), (it) => it.close());
    const monoSecret = randomBytes(16).toString("hex");
    const service = cloned.pool("app_service");
    const inbound: InboundDependencies = {
      db: service,
      keyring: stage.runtime.keyring,
      mono: new MonoForPeople({
        client: createMonoClient({ http, baseUrl: stage.mono.url, secretKey: stage.mono.secretKey }),
        db: service,
      }),
      momo: { baseUrl: stage.momo.url, targetEnvironment: "sandbox" },
      serviceTokens: parseServiceTokens(`app:sha256:${createHash("sha256").update("x").digest("hex")}`),
      monoWebhookSecret: monoSecret,
    };
    const linking = new Linking({ ...inbound, publicUrl: network.url });
    const app = createApp({
      db: cloned.pool("app_authenticator"),
      log,
      inbound,
      graphql: {
        verify: createVerifier({ JWT_SECRET: signingSecret }),
        linking,
        introspection: false,
        ruru: false,
        rateLimits: { user: 100_000, address: 100_000 },
      },
      ...(people.length === 0 ? {} : { demo: { users: people, secret: signingSecret } }),
      page: {
        folder,
        demoUsers: people.map(({ name }) => name),
        signInUrl: "https://app.example/accounts",
        // A public key of nobody's: browsers of tests reach no push service.
        vapidPublicKey: VAPID_PUBLIC_KEY,
      },
    });
    opened.defer(() => app.close());
    const asked: string[] = [];
    app.addHook("preHandler", async (request) => {
      const named = operation.safeParse(request.body);
      if (named.success) asked.push(named.data.operationName);
    });
    await app.listen({ port: 0, host: "127.0.0.1" });
    ({ port } = address.parse(app.server.address()));
    stage.mono.configureWebhooks({ url: `http://127.0.0.1:${port}/webhooks/mono`, secret: monoSecret });
    const stopping = new AbortController();
    let working: Promise<void> = Promise.resolve();
    opened.defer(async () => {
      stopping.abort();
      await working;
    });
    const browser = opened.adopt(await openBrowser(), (it) => it.close());
    const thrown: string[] = [];
    const frames = new WeakMap<Page, string[]>();
    await body(t, {
      stage,
      browser,
      network,
      startAt,
      asked,
      work() {
        const { runtime } = stage;
        working = keepRunning({
          runtime,
          platforms: [...runtime.platforms.keys()],
          concurrency: 2,
          stopping: stopping.signal,
        });
      },
      async visit(userId, { path = "/", isFrozen = false, ...options } = {}) {
        const person = await openPerson(browser, options);
        person.on("page", (page) => {
          page.on("pageerror", (error) => thrown.push(error.stack ?? error.message));
          const heard: string[] = [];
          frames.set(page, heard);
          page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => heard.push(String(payload))));
        });
        const page = await person.newPage();
        if (isFrozen) await page.clock.setFixedTime(stage.now());
        await page.goto(`${network.url}${path}#token=${await tokenOf(userId)}`);
        return page;
      },
      heard: (page) => frames.get(page) ?? [],
    });
    t.deepEqual(thrown, [], "what the page threw");
  });
}

const VAPID_PUBLIC_KEY = "BNNL5ZaTfK81qhXOx23-wewhigUeFb632jN6LvRWCFH1ubQr77FE_9qV1FuojuRmHP42zmf34rXgW80OvUVDgTk";
