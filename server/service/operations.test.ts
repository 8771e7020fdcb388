import { createHash, randomUUID } from "node:crypto";
import test, { type ExecutionContext } from "ava";
import type { Client, Pool } from "pg";
import { z } from "zod";
import { startMonoSimulator } from "../../scripts/simulators/mono/simulator.ts";
import { parseServiceTokens } from "../../db/service_tokens.ts";
import { listOf, rowOf, valueOf } from "../../db/testing/ask.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { alice, begin, bob, finish, leaseOf, linkMomo, linkMono } from "../../db/testing/world.ts";
import { parseKeyring } from "../../tasks/@credentials/keyring.ts";
import { open } from "../../tasks/@credentials/seal.ts";
import { createHttpClient } from "../../tasks/@http/client.ts";
import { MonoForPeople } from "../../tasks/@linking/mono_for_people.ts";
import { createMonoClient } from "../../tasks/@providers/mono/client.ts";
import type { InboundDependencies } from "../inbound.ts";
import { type InboundServer, startInboundServer } from "../testing/inbound_server.ts";

type Scene = { server: InboundServer; owner: Client };

const withServer = (
  body: (t: ExecutionContext, scene: Scene) => Promise<void>,
  given: Partial<InboundDependencies> | ((service: { db: Pool }) => Partial<InboundDependencies>) = {},
): ((t: ExecutionContext) => Promise<void>) =>
  withClonedDb(async (t, cloned) => {
    const server = await startInboundServer(
      cloned,
      typeof given === "function" ? given({ db: cloned.pool("app_service") }) : given,
    );
    try {
      await body(t, { server, owner: await cloned.connect("app_owner") });
    } finally {
      await server.close();
    }
  });

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

const none = { queued: 0, running: 0, cooling_down: 0, needs_you: 0, paused: 0, provider_down: 0 };

const endpoints = [
  ["POST", "/sync/background"],
  ["POST", "/sync/mono"],
  ["POST", "/sync/mtn-momo"],
  ["POST", `/sync/account/${randomUUID()}`],
  ["GET", "/accounts"],
  ["POST", "/accounts"],
  ["POST", "/momo/references"],
] as const;

test(
  "every internal endpoint lets in a service account and nobody else",
  withServer(
    async (t, { server }) => {
      const { token } = server;
      const hash = sha256(token);
      for (const [method, path] of endpoints) {
        for (const authorization of [
          undefined,
          "",
          "Bearer",
          "Bearer ",
          "Bearer wrong",
          `Bearer ${hash}`,
          `Bearer ${token.slice(1)}`,
          `Bearer ${token}x`,
          `Bearer ${token} ${token}`,
          `Basic ${Buffer.from(`app:${token}`).toString("base64")}`,
          token,
        ]) {
          const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
          const reply = await server.ask(method, path, { headers });
          t.is(reply.status, 401, `${method} ${path} ${authorization?.slice(0, 10) ?? "without"}`);
          t.is(reply.headers.get("www-authenticate"), 'Bearer realm="tidemark"');
        }
        const allowed = await server.ask(method, path);
        t.not(allowed.status, 401, path);
        t.true([200, 202, 400, 404].includes(allowed.status), `${path} ${allowed.status}`);
        t.is(
          (await server.ask(method, path, { headers: { authorization: `bEaReR ${token}` } })).status,
          allowed.status,
        );
      }
      t.false(server.logged().includes(token));
    },
    { limits: { service: { refusals: 1000 } } },
  ),
);

test("tokens are replaced without a gap: the old and the new one are valid together, and a removed one is not", async (t) => {
  const [old, young] = [canarySecret("hex"), canarySecret("hex")];
  const status = async (tokens: string, token: string): Promise<number> => {
    let found = 0;
    await withServer(
      async (_, { server }) => {
        found = (await server.ask("GET", "/accounts", { headers: { authorization: `Bearer ${token}` } })).status;
      },
      { serviceTokens: tokens === "" ? [] : parseServiceTokens(tokens) },
    )(t);
    return found;
  };
  const both = `app:sha256:${sha256(old)},app:sha256:${sha256(young)}`;
  t.is(await status(both, old), 200);
  t.is(await status(both, young), 200);
  t.is(await status(`app:sha256:${sha256(young)}`, old), 401);
  t.is(await status("", young), 401, "none configured: nobody");
});

test(
  "a service account has a limit, and so has guessing",
  withServer(
    async (t, { server }) => {
      const statuses = async (headers?: Record<string, string>) => {
        const found = [];
        for (let n = 0; n < 4; n += 1) {
          found.push((await server.ask("GET", "/accounts", headers === undefined ? {} : { headers })).status);
        }
        return found;
      };
      t.deepEqual(await statuses({ authorization: "Bearer guess" }), [401, 401, 429, 429]);
      t.deepEqual(await statuses(), [200, 200, 200, 429]);
      const refused = await server.ask("GET", "/accounts");
      t.regex(refused.headers.get("retry-after") ?? "", /^[1-9]\d?$/);
    },
    { limits: { service: { requests: 3, refusals: 2 } } },
  ),
);

test(
  "syncs are asked for: of everything, of a platform, of an account",
  withServer(async (t, { server, owner }) => {
    const due = await linkMono(owner);
    const recent = await linkMono(owner);
    await finish(owner, leaseOf(await begin(owner, recent)));
    await begin(owner, await linkMono(owner));
    const wallet = await linkMomo(owner);
    await owner.query("delete from graphile_worker._private_jobs");
    const mono = { ...none, queued: 1, running: 1, cooling_down: 1 };
    const momo = { ...none, queued: 1 };

    const background = await server.ask("POST", "/sync/background");
    t.is(background.status, 202);
    t.deepEqual(background.json(), { ...mono, queued: 2, platforms: { mono, mtn_momo: momo } });
    t.deepEqual(
      (
        await server.ask("POST", "/sync/mono", {
          body: {},
          headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" },
        })
      ).json(),
      mono,
    );
    t.deepEqual((await server.ask("POST", "/sync/mtn-momo")).json(), momo);
    t.deepEqual(await listOf(owner, "select distinct task_identifier from graphile_worker.jobs"), [
      "enqueue_due_syncs",
    ]);

    t.deepEqual((await server.ask("POST", `/sync/account/${due.accountId}`)).json(), {
      platform_source: "mono",
      outcome: "queued",
      until: null,
      ...none,
      queued: 1,
    });
    t.like((await server.ask("POST", `/sync/account/${wallet.accountId}`)).json(), {
      platform_source: "mtn_momo",
      outcome: "queued",
    });
    const cooling = z
      .looseObject({ outcome: z.string(), until: z.iso.datetime(), cooling_down: z.number() })
      .parse((await server.ask("POST", `/sync/account/${recent.accountId}`)).json());
    t.like(cooling, { outcome: "cooling_down", cooling_down: 1 });
    t.is(await valueOf(owner, "select count(*)::int from graphile_worker.jobs where task_identifier ~ '_sync$'"), 2);

    const unknown = await server.ask("POST", `/sync/account/${randomUUID()}`);
    t.is(unknown.status, 404);
    t.is(unknown.headers.get("content-type"), "application/problem+json; charset=utf-8");
    t.deepEqual(unknown.json(), {
      type: "urn:tidemark:problem:NTFND",
      title: "Not Found",
      status: 404,
      code: "NTFND",
      detail: "There is no such account.",
    });
  }),
);

const page = z.object({ accounts: z.array(z.looseObject({ id: z.string() })), next_cursor: z.string().nullable() });

test(
  "accounts are listed in pages, by user and platform, as the story names their fields",
  withServer(async (t, { server, owner }) => {
    const ids: string[] = [];
    for (const userId of [alice, bob])
      for (let n = 0; n < 3; n += 1) ids.push((await linkMono(owner, { userId })).accountId);
    const wallet = await linkMomo(owner, { userId: bob });
    await owner.query("update app_public.accounts set balance = 0.10, sync_status = 'auth_required' where id = $1", [
      wallet.accountId,
    ]);
    const get = async (query: string) => page.parse((await server.ask("GET", `/accounts${query}`)).json());
    const found: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const answer: z.infer<typeof page> = await get(`?limit=3${cursor === "" ? "" : `&cursor=${cursor}`}`);
      found.push(...answer.accounts.map(({ id }) => id));
      cursor = answer.next_cursor;
    }
    t.deepEqual(found, [...ids, wallet.accountId].toSorted());
    t.is((await get("?limit=7")).next_cursor, null);
    t.deepEqual(
      (await get(`?user_id=${alice}`)).accounts.map(({ id }) => id),
      ids.slice(0, 3).toSorted(),
    );
    const [only] = (await get(`?user_id=${bob}&platform_source=mtn_momo`)).accounts;
    t.like(only, {
      id: wallet.accountId,
      user_id: bob,
      account_type: "mobile_money",
      balance: "0.10",
      mono_account_id: null,
      sync_status: "auth_required",
      last_synced_at: null,
      platform_source: "mtn_momo",
      platform_label: "MTN MoMo API",
    });
  }),
);

test(
  "a request that does not fit gets all its problems at once, and none of its values",
  withServer(async (t, { server }) => {
    const ask = async (method: string, path: string, body?: unknown) => {
      const reply = await server.ask(method, path, {
        body,
        headers: {
          authorization: `Bearer ${server.token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
      });
      return {
        status: reply.status,
        text: reply.text,
        problem: z
          .looseObject({ errors: z.array(z.looseObject({ in: z.string(), field: z.string() })).default([]) })
          .parse(reply.json()),
      };
    };
    const fields = ({ problem }: Awaited<ReturnType<typeof ask>>) =>
      problem.errors.map((error) => `${error.in} ${error.field}`);

    const list = await ask("GET", "/accounts?limit=1000&user_id=canary&platform_source=canary&page=2");
    t.is(list.status, 400);
    t.deepEqual(fields(list), ["query user_id", "query platform_source", "query limit", "query page"]);
    t.deepEqual(fields(await ask("GET", "/accounts?cursor=canary")), ["query cursor"]);
    t.deepEqual(fields(await ask("POST", "/sync/account/canary")), ["path id"]);
    t.deepEqual(fields(await ask("POST", "/sync/mono", { "secret canary +2348012345678": 1 })), ["body (another)"]);
    const link = await ask("POST", "/accounts", {
      platform_source: "mtn_momo",
      user_id: 7,
      account_name: "canary\n",
      mtn_reference_id: "canary",
      base_url: "https://canary.example",
      target_environment: "canary",
      currency: "canary",
      credentials: { api_key: "canary canary", pin: "canary", statement: { msisdn: "+canary" } },
    });
    t.is(link.status, 400);
    t.deepEqual(fields(link).toSorted(), [
      "body account_name",
      "body base_url",
      "body credentials.api_key",
      "body credentials.pin",
      "body credentials.statement.api_key",
      "body credentials.statement.client_id",
      "body credentials.statement.client_secret",
      "body credentials.statement.msisdn",
      "body currency",
      "body mtn_reference_id",
      "body target_environment",
      "body user_id",
    ]);
    t.deepEqual(fields(await ask("POST", "/accounts", { platform_source: "canary" })), ["body platform_source"]);
    const both = { platform_source: "mono", user_id: alice, account_name: "a", mono_account_id: "a", code: "b" };
    t.deepEqual(fields(await ask("POST", "/accounts", both)), ["body mono_account_id"]);
    t.deepEqual(fields(await ask("POST", "/momo/references", {})), ["body account_id", "body reference_id"]);
    const words = await ask("POST", "/momo/references", {
      reference_id: "canary",
      operation: "canary",
      requested_at: 1,
    });
    t.deepEqual(
      words.problem.errors.map(({ field, problem }) => `${field} ${String(problem)}`),
      [
        "account_id is missing",
        "reference_id must be a UUID",
        "operation must be one of: requesttopay, requesttowithdraw",
        "requested_at must be of type string",
      ],
    );
    for (const { text } of [list, link]) t.false(text.includes("canary"));
    t.false(server.logged().includes("canary"));

    const broken = await server.ask("POST", "/accounts", {
      body: '{"canary',
      headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" },
    });
    t.is(broken.status, 400);
    t.false(broken.text.includes("canary"));
    const large = await server.ask("POST", "/accounts", {
      body: { x: "x".repeat(70_000) },
      headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" },
    });
    t.is(large.status, 413);
  }),
);

const json = ({ token }: InboundServer) => ({ authorization: `Bearer ${token}`, "content-type": "application/json" });

test("a bank account is linked by Mono's id or a code, once; another user's is a conflict", async (t) => {
  const simulator = await startMonoSimulator({ seed: "linking" });
  const http = createHttpClient();
  t.teardown(async () => {
    await http.close();
    await simulator.close();
  });
  const client = createMonoClient({ http, baseUrl: simulator.url, secretKey: simulator.secretKey });
  await withServer(
    async (tt, { server, owner }) => {
      const link = (body: object) =>
        server.ask("POST", "/accounts", {
          body: { platform_source: "mono", user_id: alice, account_name: "Salary", ...body },
          headers: json(server),
        });
      const externalId = simulator.createAccount({ institution: "058" });
      const first = await link({ mono_account_id: externalId });
      tt.is(first.status, 201, first.text);
      const { id } = z.object({ id: z.guid() }).loose().parse(first.json());
      tt.like(await rowOf(owner, "select * from app_public.accounts"), {
        id,
        user_id: alice,
        currency: "NGN",
        mono_account_id: externalId,
        institution: "GTBank",
      });
      tt.is(await valueOf(owner, "select count(*)::int from graphile_worker.jobs"), 1, "its first sync");

      await owner.query("delete from graphile_worker._private_jobs");
      const again = await link({ mono_account_id: externalId });
      tt.is(again.status, 200);
      tt.deepEqual(again.json(), { id, platform_source: "mono", outcome: "unchanged" });
      tt.is(await valueOf(owner, "select count(*)::int from graphile_worker.jobs"), 0);

      const theirs = await link({ user_id: bob, mono_account_id: externalId });
      tt.is(theirs.status, 409);
      tt.like(theirs.json(), { code: "LNKDP", detail: "This Mono account is linked already." });
      tt.false(theirs.text.includes(id) || theirs.text.includes(alice), "whose it is, is nobody's business");

      const unknown = await link({ mono_account_id: "ffffffffffffffffffffffff" });
      tt.is(unknown.status, 422);
      tt.like(unknown.json(), { code: "LNKNV", detail: "Mono knows no account with this id." });
      tt.is((await link({ code: "code_nobody_has" })).status, 422);

      await owner.query("update app_private.quotas set blocked_until = clock_timestamp() + interval '1 minute'");
      const busy = await link({ mono_account_id: simulator.createAccount() });
      tt.is(busy.status, 429);
      tt.regex(busy.headers.get("retry-after") ?? "", /^[56]\d$/);
      tt.like(busy.json(), { code: "PRVBS" });
      await owner.query("update app_private.quotas set blocked_until = null");

      simulator.setKey({ secretKey: "test_sk_another" });
      const away = await link({ mono_account_id: simulator.createAccount() });
      tt.is(away.status, 502);
      tt.false(away.text.includes("test_sk"));
      tt.is(await valueOf(owner, "select count(*)::int from app_public.accounts"), 1);
    },
    ({ db }) => ({ mono: new MonoForPeople({ client, db }) }),
  )(t);
});

test("a code that was exchanged before its linking failed is not lost: the answer says which account it was", async (t) => {
  const simulator = await startMonoSimulator({ seed: "codes" });
  const http = createHttpClient();
  t.teardown(async () => {
    await http.close();
    await simulator.close();
  });
  const client = createMonoClient({ http, baseUrl: simulator.url, secretKey: simulator.secretKey });
  const code = async (): Promise<string> => {
    const reply = await fetch(`${simulator.url}/v2/accounts/initiate`, {
      method: "POST",
      headers: { "content-type": "application/json", "mono-sec-key": simulator.secretKey },
      body: JSON.stringify({
        customer: { name: "Ada Obi", email: "ada@example.com" },
        scope: "auth",
        redirect_url: "https://app.example",
      }),
    });
    const { data } = z.object({ data: z.object({ mono_url: z.url() }) }).parse(await reply.json());
    return simulator.completeConnect(new URL(data.mono_url).pathname.split("/").at(-1) ?? "");
  };
  await withServer(
    async (tt, { server, owner }) => {
      const link = (given: string) =>
        server.ask("POST", "/accounts", {
          body: { platform_source: "mono", user_id: alice, account_name: "Salary", code: given },
          headers: json(server),
        });
      tt.is((await link(await code())).status, 201);
      await owner.query("alter function app_private.link_account(json) rename to elsewhere");
      const spent = await link(await code());
      tt.is(spent.status, 500);
      const { mono_account_id: monoAccountId } = z.looseObject({ mono_account_id: z.string() }).parse(spent.json());
      await owner.query("alter function app_private.elsewhere(json) rename to link_account");
      const byId = await server.ask("POST", "/accounts", {
        body: { platform_source: "mono", user_id: alice, account_name: "Salary", mono_account_id: monoAccountId },
        headers: json(server),
      });
      tt.is(byId.status, 201);
    },
    ({ db }) => ({ mono: new MonoForPeople({ client, db }) }),
  )(t);
});

test("a wallet's keys are sealed before they are stored, and shown nowhere; its references are followed", async (t) => {
  const keyring = parseKeyring(`test:${canarySecret("base64")}`);
  const secrets = {
    api_key: "canaryapikey0123456789abcdef0123",
    subscription_key: "canarysubscription0123456789abcd",
    statement: {
      client_id: "canaryclientid",
      client_secret: "canaryclientsecret",
      api_key: "canarymadapikey",
      msisdn: "256770001234",
    },
  };
  await withServer(
    async (tt, { server, owner }) => {
      const body = {
        platform_source: "mtn_momo",
        user_id: bob,
        account_name: "Wallet",
        mtn_reference_id: randomUUID(),
        credentials: secrets,
      };
      const first = await server.ask("POST", "/accounts", { body, headers: json(server) });
      tt.is(first.status, 201, first.text);
      const { id } = z.looseObject({ id: z.guid() }).parse(first.json());
      tt.like(
        await rowOf(
          owner,
          "select a.currency, l.* from app_public.accounts a join app_private.links l on l.account_id = a.id",
        ),
        {
          currency: "UGX",
          base_url: "https://momo.example",
          target_environment: "mtnuganda",
          time_zone: "Africa/Kampala",
        },
      );
      const { key_id: keyId, sealed } = z
        .object({ key_id: z.string(), sealed: z.instanceof(Buffer) })
        .parse(await rowOf(owner, "select key_id, sealed from app_private.credentials where kind = 'momo_api_key'"));
      tt.is(open(keyring, { accountId: id, kind: "momo_api_key" }, { keyId, sealed }), secrets.api_key);
      tt.is(await valueOf(owner, "select count(*)::int from app_private.credentials"), 6);

      tt.like((await server.ask("POST", "/accounts", { body, headers: json(server) })).json(), {
        id,
        outcome: "resumed",
      });

      const reference = { account_id: id, reference_id: randomUUID() };
      const track = (given: object) => server.ask("POST", "/momo/references", { body: given, headers: json(server) });
      tt.is((await track(reference)).status, 201);
      const twice = await track(reference);
      tt.is(twice.status, 200);
      tt.deepEqual(twice.json(), { tracked: false });
      tt.is((await track({ ...reference, account_id: randomUUID() })).status, 404);
      tt.is((await track({ ...reference, base_url: "http://169.254.169.254" })).status, 400);
      const other = await linkMomo(owner, { userId: bob });
      const taken = await track({ ...reference, account_id: other.accountId });
      tt.is(taken.status, 409);
      tt.like(taken.json(), { code: "REFTK", detail: "The reference is followed for another account." });
      tt.false(taken.text.includes(id), "whose it is, is nobody's business");
      const bank = await linkMono(owner);
      const ofBank = await track({ account_id: bank.accountId, reference_id: randomUUID() });
      tt.is(ofBank.status, 422);
      tt.like(ofBank.json(), { code: "LNKNV", detail: "References can be tracked for MoMo wallets only." });

      const answers = [first.text, (await server.ask("GET", "/accounts")).text].join();
      const kept = await everything(owner);
      for (const secret of [secrets.api_key, secrets.subscription_key, ...Object.values(secrets.statement)]) {
        tt.false(answers.includes(secret), "answers");
        tt.false(server.logged().includes(secret), "log");
        tt.false(kept.includes(secret), "database");
      }
      tt.true(kept.includes("Wallet"), "the search finds what is there");
    },
    { keyring },
  )(t);
});

/** Every row of every table of ours and of the queue, as text. */
async function everything(owner: Client): Promise<string> {
  const tables = await listOf(
    owner,
    "select oid::regclass from pg_class where relkind = 'r' and relnamespace::regnamespace::text in ('app_public', 'app_private')",
  );
  const texts = [(await listOf(owner, "select payload::text from graphile_worker._private_jobs")).join("\n")];
  for (const table of tables) texts.push((await listOf(owner, `select t::text from ${table} t`)).join("\n"));
  return texts.join("\n");
}
