import { unreadLog } from "../../db/testing/canaries/unread_log.ts";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { withClonedDb } from "../../db/testing/database.ts";
import { createApp } from "../app.ts";
import { buildPage } from "../web/build_page.ts";

const log = unreadLog();

/** Of compressed JavaScript, on the first visit. */
const LARGEST_FIRST_LOAD = 120_000;

test("the first load is under 120 kB of compressed JavaScript, the service worker included", async (t) => {
  const { folder } = await buildPage();
  const scripts = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".js.br"));
  const sizes = await Promise.all(scripts.map(async (file) => (await readFile(join(folder, file))).length));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  t.log(`${(total / 1000).toFixed(1)} kB by brotli`);
  t.true(scripts.length >= 2);
  t.true(total < LARGEST_FIRST_LOAD, `${total} bytes`);
});

test(
  "the page is served compressed, under the content policy, and asked for anew; its hashed files stay a year",
  withClonedDb(async (t, cloned) => {
    const { folder } = await buildPage();
    const page = { folder, demoUsers: ["Ada"], signInUrl: "https://app.example/accounts", vapidPublicKey: "BNNL" };
    const app = createApp({ db: cloned.pool("app_authenticator"), log, page });
    const html = await app.inject({ url: "/", headers: { "accept-encoding": "br" } });
    t.is(html.statusCode, 200);
    t.is(html.headers["content-encoding"], "br");
    t.is(html.headers["cache-control"], "no-cache");
    t.regex(String(html.headers["content-security-policy"]), /script-src 'self';/);

    const plain = await app.inject({ url: "/?account=a0000000-0000-4000-8000-000000000001" });
    const [, script = ""] = /<script type="module" crossorigin src="([^"]+)">/.exec(plain.body) ?? [];
    t.notRegex(plain.body, /<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/, "nothing that the policy would refuse");
    const asset = await app.inject({ url: script });
    t.is(asset.statusCode, 200);
    t.is(asset.headers["cache-control"], "public, max-age=31536000, immutable");
    t.is((await app.inject({ url: "/service_worker.js" })).headers["cache-control"], "no-cache");
    t.deepEqual((await app.inject({ url: "/page/settings.json" })).json(), {
      demoUsers: ["Ada"],
      signInUrl: "https://app.example/accounts",
      vapidPublicKey: "BNNL",
    });
    t.is((await app.inject({ url: "/assets/../../build_page.ts" })).statusCode, 404);
    await app.close();
  }),
);

test(
  "every picture that the manifest, the page and a push name is there",
  withClonedDb(async (t, cloned) => {
    const { folder } = await buildPage();
    const page = { folder, demoUsers: [], signInUrl: undefined, vapidPublicKey: undefined };
    const app = createApp({ db: cloned.pool("app_authenticator"), log, page });
    const texts = await Promise.all(
      ["/", "/manifest.webmanifest", "/service_worker.js"].map(async (url) => (await app.inject({ url })).body),
    );
    const pictures = texts.map((text) =>
      [...text.matchAll(/["'`](\/[\w-]+\.(?:png|svg))["'`]/g)].map(([, url]) => url),
    );
    t.true(
      pictures.every((named) => named.length > 1),
      JSON.stringify(pictures),
    );
    for (const url of new Set(pictures.flat())) {
      const answer = await app.inject({ url: String(url) });
      t.is(answer.statusCode, 200, url);
      t.regex(String(answer.headers["content-type"]), /^image\//, url);
    }
    await app.close();
  }),
);
