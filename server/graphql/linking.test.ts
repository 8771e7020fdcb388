import { randomUUID } from "node:crypto";
import test from "ava";
import type { Pool } from "pg";
import { z } from "zod";
import { listOf, rowOf, valueOf } from "../../db/testing/ask.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { alice, bob, linkMomo, linkMono } from "../../db/testing/world.ts";
import { startMonoSimulator } from "../../scripts/simulators/mono/simulator.ts";
import { parseKeyring } from "../../tasks/@credentials/keyring.ts";
import { open } from "../../tasks/@credentials/seal.ts";
import { createHttpClient } from "../../tasks/@http/client.ts";
import { MonoForPeople } from "../../tasks/@linking/mono_for_people.ts";
import { createMonoClient, type MonoClient } from "../../tasks/@providers/mono/client.ts";
import type { LinkingDependencies } from "../linking.ts";
import { type Answer, tokenOf, withApi } from "../testing/graphql_api.ts";

const keyring = parseKeyring(`test:${canarySecret("base64")}`);
const momo = { baseUrl: "https://momo.example", targetEnvironment: "mtnuganda" };

/** What the server links by, where it has a Mono to ask. */
const withMono = (db: Pool, client: MonoClient): LinkingDependencies => ({
  db,
  keyring,
  mono: new MonoForPeople({ client, db }),
  momo,
  publicUrl: "https://sync.example",
});

const codeOf = ({ errors }: Answer) => errors?.[0]?.extensions?.code;

const LINK_BANK = `mutation ($code: String!, $name: String!) {
  linkMonoAccount(input: { code: $code, accountName: $name }) { account { id accountName institution currency syncState { phase } } } }`;
const REAUTHENTICATE = `mutation ($id: UUID!) {
  startReauthentication(input: { accountId: $id }) { monoUrl account { id } } }`;

test("a bank is linked by its code, once and for one user; its consent is renewed on a page minted at that moment", async (t) => {
  const simulator = await startMonoSimulator({ seed: "graphql" });
  const http = createHttpClient();
  t.teardown(async () => {
    await http.close();
    await simulator.close();
  });
  const client = createMonoClient({ http, baseUrl: simulator.url, secretKey: simulator.secretKey });
  const initiated = z.object({ data: z.object({ mono_url: z.string() }) });
  const freshCode = async (): Promise<string> => {
    const reply = await fetch(`${simulator.url}/v2/accounts/initiate`, {
      method: "POST",
      headers: { "mono-sec-key": simulator.secretKey, "content-type": "application/json" },
      body: JSON.stringify({
        customer: { name: "Ada", email: "ada@example.com" },
        scope: "auth",
        redirect_url: "https://app.example/done",
      }),
    });
    const { mono_url: url } = initiated.parse(await reply.json()).data;
    return simulator.completeConnect(url.split("/").at(-1) ?? "", { perWeek: 0 });
  };

  await withApi(
    async (tt, api, owner) => {
      const token = await tokenOf(alice);
      const code = await freshCode();
      const linked = await api.ask(LINK_BANK, { code, name: "Salary" }, token);
      tt.is(linked.errors, undefined, linked.text);
      const { id } = await rowOf(owner, "select id from app_public.accounts where user_id = $1", [alice]);
      tt.like(linked.data, { linkMonoAccount: { account: { id, accountName: "Salary", currency: "NGN" } } });
      tt.is(await valueOf(owner, "select count(*)::int from graphile_worker.jobs"), 1, "its first sync");

      const spent = await api.ask(LINK_BANK, { code, name: "Again" }, token);
      tt.is(codeOf(spent), "LNKNV");
      tt.false(spent.text.includes(code));
      tt.is(codeOf(await api.ask(LINK_BANK, { code: await freshCode(), name: "two\nlines" }, token)), "LNKNV");
      tt.is(codeOf(await api.ask(LINK_BANK, { code: await freshCode(), name: "Nobody's" })), "NTFND");
      tt.is(await valueOf(owner, "select count(*)::int from app_public.accounts"), 1);

      const unspent = await freshCode();
      const refused = await api.ask(LINK_BANK, { code: unspent, name: "" }, token);
      tt.is(codeOf(refused), "LNKNV");
      tt.is(refused.errors?.[0]?.extensions?.["monoAccountId"], undefined, "it was not used");
      await owner.query("alter function app_private.link_account(json) rename to elsewhere");
      const lost = await api.ask(LINK_BANK, { code: unspent, name: "Lost" }, token);
      await owner.query("alter function app_private.elsewhere(json) rename to link_account");
      tt.is(codeOf(lost), "PRVNA");
      const { monoAccountId } = z
        .looseObject({ monoAccountId: z.string() })
        .parse(lost.errors?.[0]?.extensions, { error: () => "which account the code stood for" });
      tt.is((await client.linkDetails(monoAccountId, { signal: AbortSignal.timeout(60_000) })).currency, "NGN");

      const minted = await api.ask(REAUTHENTICATE, { id }, token);
      tt.like(minted.data, { startReauthentication: { account: { id } } });
      tt.regex(minted.text, new RegExp(`${simulator.url}/connect/`));
      tt.is(codeOf(await api.ask(REAUTHENTICATE, { id }, await tokenOf(bob))), "NTFND");
      const wallet = await linkMomo(owner);
      tt.like((await api.ask(REAUTHENTICATE, { id: wallet.accountId }, token)).data, {
        startReauthentication: { monoUrl: null, account: { id: wallet.accountId } },
      });

      await owner.query("update app_private.quotas set blocked_until = clock_timestamp() + interval '1 minute'");
      const busy = [
        await api.ask(REAUTHENTICATE, { id }, token),
        await api.ask(LINK_BANK, { code: await freshCode(), name: "Later" }, token),
      ];
      for (const answer of busy) {
        tt.is(codeOf(answer), "PRVBS");
        tt.regex(answer.errors?.[0]?.message ?? "", /try again in \d+ seconds/);
      }
      await owner.query("update app_private.quotas set blocked_until = null");

      simulator.setKey({ secretKey: "test_sk_another" });
      const silent = await api.ask(REAUTHENTICATE, { id }, token);
      tt.is(codeOf(silent), "PRVNA");
      tt.false(silent.text.includes("test_sk"));
    },
    (cloned) => ({ linking: withMono(cloned.pool("app_service"), client) }),
  )(t);
});

test(
  "a wallet's secrets are sealed before they are stored, open for this wallet only, and are answered to nobody",
  withApi(
    async (t, api, owner) => {
      const token = await tokenOf(alice);
      const apiUserId = randomUUID();
      const secrets = { apiKey: "canary-api-key", subscriptionKey: "canary-subscription-key" };
      const statement = {
        clientId: "canary-c",
        clientSecret: "canary-s",
        apiKey: "canary-a",
        phoneNumber: "256770000000",
      };
      const input = { accountName: "Till", apiUserId, targetEnvironment: "mtnghana", ...secrets, statement };
      const mutation = `mutation ($input: LinkMomoAccountInput!) {
        linkMomoAccount(input: $input) { account { id mtnReferenceId currency platformSource } } }`;
      const linked = await api.ask(mutation, { input }, token);
      t.like(linked.data, {
        linkMomoAccount: { account: { mtnReferenceId: apiUserId, currency: "GHS", platformSource: "mtn_momo" } },
      });
      const { account_id, key_id, sealed } = z
        .object({ account_id: z.string(), key_id: z.string(), sealed: z.instanceof(Buffer) })
        .parse(await rowOf(owner, "select * from app_private.credentials where kind = 'momo_api_key'"));
      t.is(open(keyring, { accountId: account_id, kind: "momo_api_key" }, { keyId: key_id, sealed }), secrets.apiKey);
      t.deepEqual(await listOf(owner, "select kind from app_private.credentials order by kind"), [
        "madapi_api_key",
        "madapi_client_id",
        "madapi_client_secret",
        "momo_api_key",
        "momo_subscription_key",
        "msisdn",
      ]);

      const again = await api.ask(mutation, { input: { ...input, apiKey: "canary-new-key" } }, token);
      t.deepEqual(again.data, linked.data, "a new key for the same wallet");
      const elsewhere = await api.ask(
        mutation,
        { input: { ...input, targetEnvironment: "https://evil.example" } },
        token,
      );
      t.is(codeOf(elsewhere), "LNKNV");
      t.is(
        await valueOf(owner, "select base_url from app_private.links"),
        "https://momo.example",
        "never what was entered",
      );
      for (const { text } of [linked, again, elsewhere]) t.notRegex(text, /canary|256770000000/);
      t.notRegex(api.logged(), /canary|256770000000/);
      const jobs = await listOf(owner, "select payload::text from graphile_worker._private_jobs");
      t.true(jobs.length > 0);
      t.notRegex(jobs.join(), /canary|256770000000/);
    },
    (cloned) => ({ linking: { db: cloned.pool("app_service"), keyring, mono: null, momo, publicUrl: undefined } }),
  ),
);

test(
  "without a key of Mono's, or of ours, the answer says so and nothing is linked",
  withApi(async (t, api, owner) => {
    const token = await tokenOf(alice);
    const { accountId } = await linkMono(owner);
    t.is(codeOf(await api.ask(LINK_BANK, { code: "code", name: "x" }, token)), "PRVNA");
    t.is(codeOf(await api.ask(REAUTHENTICATE, { id: accountId }, token)), "PRVNA");
    t.is(await valueOf(owner, "select count(*)::int from app_public.accounts"), 1);
  }),
);
