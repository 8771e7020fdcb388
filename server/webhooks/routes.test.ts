import { randomBytes, randomUUID } from "node:crypto";
import test, { type ExecutionContext } from "ava";
import type { Client } from "pg";
import { trackReference } from "../../db/queries/links.ts";
import { processWebhooks } from "../../db/queries/webhooks.ts";
import { listOf, rowsOf, valueOf } from "../../db/testing/ask.ts";
import { type ClonedDb, withClonedDb } from "../../db/testing/database.ts";
import { type Account, linkMomo, linkMono } from "../../db/testing/world.ts";
import type { InboundDependencies } from "../inbound.ts";
import { type InboundServer, startInboundServer } from "../testing/inbound_server.ts";

type Scene = { server: InboundServer; owner: Client; cloned: ClonedDb };

const withServer = (
  body: (t: ExecutionContext, scene: Scene) => Promise<void>,
  given: Partial<InboundDependencies> = {},
): ((t: ExecutionContext) => Promise<void>) =>
  withClonedDb(async (t, cloned) => {
    const server = await startInboundServer(cloned, given);
    try {
      await body(t, { server, cloned, owner: await cloned.connect("app_owner") });
    } finally {
      await server.close();
    }
  });

const event = (account: string, meta: object = {}, id = randomBytes(20).toString("hex")) => ({
  event: "mono.events.account_updated",
  event_id: id,
  timestamp: "2026-03-10T12:00:00.000Z",
  data: { account: { _id: account, accountNumber: "0100000062" }, meta: { data_status: "AVAILABLE", ...meta } },
});

const asMono = ({ monoSecret }: InboundServer) => ({ "mono-webhook-secret": monoSecret });

const stored = (owner: Client) => valueOf(owner, "select count(*)::int from app_private.webhooks");

test(
  "the secret decides: right, wrong, missing, a part of it, in another header",
  withServer(async (t, { server, owner }) => {
    const post = async (headers: Record<string, string>) =>
      (await server.ask("POST", "/webhooks/mono", { body: event("acc1"), headers })).status;
    const { monoSecret } = server;
    t.is(await post({}), 401);
    t.is(await post({ "mono-webhook-secret": "" }), 401);
    t.is(await post({ "mono-webhook-secret": "whsec_wrong" }), 401);
    t.is(await post({ "mono-webhook-secret": monoSecret.slice(0, -1) }), 401);
    t.is(await post({ "mono-webhook-secret": `${monoSecret}x` }), 401);
    t.is(await post({ authorization: `Bearer ${monoSecret}` }), 401);
    t.is(await post({ authorization: `Bearer ${server.token}` }), 401, "a service account is not Mono");
    t.is(await stored(owner), 0);
    t.is(await post(asMono(server)), 200);
    t.is(await stored(owner), 1);
  }),
);

test(
  "without a configured secret nothing of Mono's is taken, whatever is sent",
  withServer(
    async (t, { server, owner }) => {
      for (const secret of ["", "undefined", "x"]) {
        const reply = await server.ask("POST", "/webhooks/mono", {
          body: event("acc1"),
          headers: { "mono-webhook-secret": secret },
        });
        t.is(reply.status, 503);
      }
      t.is(await stored(owner), 0);
      t.is((await server.ask("PUT", `/webhooks/mtn-momo/${randomUUID()}`, { headers: {} })).status, 200);
    },
    { monoWebhookSecret: undefined },
  ),
);

test(
  "a repeat is answered the same and stored once; an unknown event is taken by its name",
  withServer(async (t, { server, owner }) => {
    const post = (body: unknown) => server.ask("POST", "/webhooks/mono", { body, headers: asMono(server) });
    const first = event("acc1");
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(first)));
    t.deepEqual([...new Set(answers.map(({ status, text }) => `${status} ${text}`))], ['200 {"received":true}']);
    await post({ event: "mono.events.made_up_tomorrow", data: {} });
    await post({ event: "mono.events.made_up_tomorrow", data: {} });
    await post({ event: "mono.events.made_up_tomorrow", data: { more: 1 } });
    t.deepEqual(await listOf(owner, "select event from app_private.webhooks order by id"), [
      "mono.events.account_updated",
      "mono.events.made_up_tomorrow",
      "mono.events.made_up_tomorrow",
    ]);
  }),
);

test(
  "what is no JSON, no event, too large or of another type is refused in words that repeat nothing",
  withServer(async (t, { server, owner }) => {
    const post = (body: string, type = "application/json") =>
      server.ask("POST", "/webhooks/mono", { body, headers: { ...asMono(server), "content-type": type } });
    for (const [body, type, status] of [
      ["{secret-canary", undefined, 400],
      ["", undefined, 400],
      ["[]", undefined, 400],
      ['{"data":"secret-canary"}', undefined, 400],
      ["event=secret-canary", "application/x-www-form-urlencoded", 415],
      ["secret-canary", "text/plain", 415],
      [JSON.stringify({ event: "e", data: "x".repeat(65_536) }), undefined, 413],
    ] as const) {
      const reply = await post(body, type);
      t.is(reply.status, status, body.slice(0, 30));
      t.is(reply.headers.get("content-type"), "application/problem+json; charset=utf-8");
      t.false(reply.text.includes("canary"));
    }
    t.false(server.logged().includes("canary"));
    t.is(await stored(owner), 0);
    t.is((await post(JSON.stringify(event("a")), "application/json; charset=utf-8")).status, 200);
  }),
);

test(
  "callbacks: both methods, any type of body, known or not: the same answer, and only what is known is kept",
  withServer(async (t, { server, owner }) => {
    const wallet = await linkMomo(owner);
    const referenceId = randomUUID();
    await trackReference(owner, { accountId: wallet.accountId, referenceId });
    const answers = [];
    const body = { status: "SUCCESSFUL", payer: { partyIdType: "MSISDN", partyId: "256770000001" } };
    for (const method of ["PUT", "POST"]) {
      for (const reference of [referenceId, referenceId.toUpperCase(), randomUUID(), "not-a-uuid"]) {
        answers.push(await server.ask(method, `/webhooks/mtn-momo/${reference}`, { body, headers: {} }));
      }
    }
    for (const [said, type] of [
      ["", undefined],
      ["<xml/>", "application/xml"],
      ["{broken", "application/json"],
    ] as const) {
      answers.push(
        await server.ask("PUT", `/webhooks/mtn-momo/${referenceId}`, {
          body: said,
          headers: type === undefined ? {} : { "content-type": type },
        }),
      );
    }
    t.deepEqual([...new Set(answers.map(({ status, text }) => `${status} ${text}`))], ['200 {"received":true}']);
    t.deepEqual(await rowsOf(owner, "select status, reference_id from app_private.webhooks order by id"), [
      { status: "successful", reference_id: referenceId },
      { status: null, reference_id: referenceId },
    ]);
    const large = await server.ask("PUT", `/webhooks/mtn-momo/${referenceId}`, {
      body: "x".repeat(65_537),
      headers: {},
    });
    t.is(large.status, 413);
  }),
);

test(
  "each source has a limit; guessing secrets uses up none of Mono's",
  withServer(
    async (t, { server }) => {
      const post = (headers: Record<string, string>) =>
        server.ask("POST", "/webhooks/mono", { body: event("acc1"), headers });
      const guesses = [];
      for (let n = 0; n < 4; n += 1) guesses.push(await post({ "mono-webhook-secret": "guess" }));
      t.deepEqual(
        guesses.map(({ status }) => status),
        [401, 401, 429, 429],
      );
      t.regex(guesses[3]?.headers.get("retry-after") ?? "", /^[1-9]\d?$/);
      const right = [];
      for (let n = 0; n < 4; n += 1) right.push((await post(asMono(server))).status);
      t.deepEqual(right, [200, 200, 200, 429]);
      const momo = [];
      for (let n = 0; n < 4; n += 1) {
        momo.push((await server.ask("PUT", `/webhooks/mtn-momo/${randomUUID()}`, { headers: {} })).status);
      }
      t.deepEqual(momo, [200, 200, 200, 429]);
    },
    { limits: { webhooks: { requests: 3, refusals: 2 } } },
  ),
);

test(
  "what cannot be stored now is asked for again, and the reason stays in the log",
  withServer(async (t, { server, owner }) => {
    const post = () =>
      server.ask("POST", "/webhooks/mono", { body: event("acc1", {}, "one"), headers: asMono(server) });
    await owner.query("alter table app_private.webhooks rename to gone");
    const refused = await post();
    t.is(refused.status, 503);
    t.is(refused.headers.get("retry-after"), "5");
    t.false(refused.text.includes("gone") || refused.text.includes("relation"));
    t.true(server.logged().includes("a webhook could not be stored"));
    await owner.query("alter table app_private.gone rename to webhooks");
    t.is((await post()).status, 200);
  }),
);

test(
  "a burst of 5,000 with half duplicates: all accepted, each stored once and applied once",
  withServer(async (t, { server, owner, cloned }) => {
    const accounts: Account[] = [];
    for (let n = 0; n < 25; n += 1) accounts.push(await linkMono(owner));
    await owner.query("delete from graphile_worker._private_jobs");
    const events = Array.from({ length: 2500 }, (_, n) =>
      event(`mono-${accounts[n % accounts.length]?.accountId}`, {}, `burst${n}`),
    );
    // Each twice, its repeat far from it and in another order.
    const queue = [...events, ...events.toReversed()].map((body) => JSON.stringify(body));
    const statuses = new Map<number, number>();
    const times: number[] = [];
    const send = async (): Promise<void> => {
      for (let body = queue.shift(); body !== undefined; body = queue.shift()) {
        const started = performance.now();
        const reply = await server.ask("POST", "/webhooks/mono", {
          body,
          headers: { ...asMono(server), "content-type": "application/json" },
        });
        times.push(performance.now() - started);
        statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 50 }, send));
    times.sort((a, b) => a - b);
    t.log(`p50 ${times[2500]?.toFixed(1)} ms, p95 ${times[4750]?.toFixed(1)} ms with 50 senders at once`);
    t.deepEqual([...statuses], [[200, 5000]]);
    t.is(await stored(owner), 2500);
    t.is(await valueOf(owner, "select count(*)::int from graphile_worker.jobs"), 1, "one job for all");
    const worker = cloned.pool("app_worker");
    let judged = 0;
    for (let some = -1; some !== 0; judged += some) some = await processWebhooks(worker, 500);
    t.is(judged, 2500);
    t.deepEqual(await rowsOf(owner, "select outcome, count(*)::int from app_private.webhooks group by 1"), [
      { outcome: "queued", count: 2500 },
    ]);
    t.is(
      await valueOf(owner, "select count(*)::int from graphile_worker.jobs where task_identifier = 'mono_sync'"),
      25,
      "one sync an account",
    );
  }),
);
