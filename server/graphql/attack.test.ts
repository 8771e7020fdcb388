import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { buildSchema } from "graphql";
import { UnsecuredJWT } from "jose";
import type { Client } from "pg";
import { listOf, rowsOf, valueOf } from "../../db/testing/ask.ts";
import {
  alice,
  begin,
  bob,
  complete,
  finish,
  incoming,
  leaseOf,
  linkMomo,
  linkMono,
  page,
  save,
  savePushSubscription,
} from "../../db/testing/world.ts";
import { everyOperation } from "../testing/every_operation.ts";
import { type Api, tokenOf, withApi } from "../testing/graphql_api.ts";

/** Stands in everything of hers that anybody could read. */
const CANARY = "canary-of-alice";

/** Alice has one of everything. */
async function arrange(owner: Client): Promise<{ accountId: string }> {
  const account = await linkMono(owner, { accountName: CANARY, institution: CANARY, externalId: `${CANARY}-mono` });
  const lease = leaseOf(await begin(owner, account));
  const first = incoming("t1", "2026-03-05", { narration: CANARY, counterparty: CANARY });
  await save(owner, page(lease, [first]));
  const later = { ...first, narration: `${CANARY} later` };
  await save(owner, page(lease, [later], complete([later])));
  await finish(owner, lease);
  await owner.query("update app_public.transactions set note = $1, category = $1", [CANARY]);
  await owner.query("update app_public.sync_logs set error_message = $1", [CANARY]);
  await owner.query("select set_config('tidemark.user_id', $1, false)", [alice]);
  await owner.query("select app_public.choose_sync_settings('mono', '6 hours', null, 'Africa/Lagos')");
  await owner.query("select app_public.choose_notification_settings(time_zone => 'Africa/Lagos')");
  await owner.query("select app_public.choose_notification_channel('mono', 'web_push', false)");
  await savePushSubscription(owner, `https://fcm.googleapis.com/fcm/send/${CANARY}`);
  await owner.query(
    `insert into app_public.notifications (user_id, account_id, platform_source, kind, params, created_at)
     values ($1, $2, 'mono', 'reauth_required', jsonb_build_object('name', $3::text), now())`,
    [alice, account.accountId, CANARY],
  );
  await linkMono(owner, { userId: bob, accountName: "of bob" });
  await linkMomo(owner, { userId: bob, accountName: "wallet of bob" });
  return account;
}

/** All that is stored of Alice, table by table, whichever tables there are. */
async function everythingOf(owner: Client, { accountId }: { accountId: string }): Promise<Record<string, unknown>> {
  const tables = await rowsOf(
    owner,
    `select format('%I.%I', table_schema, table_name) as name, string_agg(column_name, ' ' order by column_name) as keys
     from information_schema.columns
     where table_schema in ('app_public', 'app_private') and column_name in ('user_id', 'account_id')
       and format('%I.%I', table_schema, table_name)::regclass in (select oid from pg_class where relkind = 'r')
     group by 1`,
  );
  const found: Record<string, unknown> = {
    "app_public.accounts": await listOf(owner, "select a::text from app_public.accounts a where id = $1", [accountId]),
  };
  for (const { name, keys } of tables) {
    const hers = String(keys)
      .split(" ")
      .map((key) => (key === "user_id" ? `user_id::text = '${alice}'` : `account_id::text = '${accountId}'`));
    found[String(name)] = await listOf(
      owner,
      `select x::text from ${String(name)} x where ${hers.join(" or ")} order by 1`,
    );
  }
  found["revisions"] = await listOf(owner, "select r::text from app_public.transaction_revisions r order by 1");
  found["jobs"] = await listOf(
    owner,
    "select key from graphile_worker.jobs where key like '%' || $1 || '%' order by 1",
    [accountId],
  );
  return found;
}

const schema = async () => buildSchema(await readFile(join(import.meta.dirname, "../schema.graphql"), "utf8"));

async function operationsAgainst(owner: Client, { accountId }: { accountId: string }) {
  const ids = await listOf(
    owner,
    `select id from app_public.transactions union select id from app_public.sync_logs where user_id = $1
     union select id from app_public.notifications`,
    [alice],
  );
  return everyOperation(await schema(), { uuid: accountId, ids });
}

/** Texts of the answers, after the ids that were sent have been taken out. */
async function answersTo(
  api: Api,
  operations: { text: string }[],
  token: string | null,
): Promise<{ text: string; status: number; answer: string }[]> {
  const answers = [];
  for (const { text } of operations) {
    const { status, text: answer } = await api.ask(text, {}, token);
    answers.push({ text, status, answer });
  }
  return answers;
}

test(
  "every query and mutation: what Alice reads and changes, Bob and nobody do not, though they know her ids",
  withApi(
    async (t, api, owner) => {
      const account = await arrange(owner);
      const operations = await operationsAgainst(owner, account);
      const queries = operations.filter(({ kind }) => kind === "query");
      t.true(queries.length > 5 && operations.length > queries.length + 5);
      // Erasing all of one's own goes last, or there would be nothing left to attack with.
      const orderly = operations.toSorted(
        (a, b) => Number(/^erase|^unlink/.test(a.field)) - Number(/^erase|^unlink/.test(b.field)),
      );

      const before = await everythingOf(owner, account);
      const asAlice = await answersTo(api, queries, await tokenOf(alice));
      for (const field of [
        "account",
        "accounts",
        "transaction",
        "transactions",
        "notifications",
        "syncLog",
        "pushSubscriptions",
      ]) {
        t.true(
          asAlice.some(({ text, answer }) => text.startsWith(`query { ${field}`) && answer.includes(CANARY)),
          `the control: Alice sees hers by ${field}`,
        );
      }
      t.deepEqual(await everythingOf(owner, account), before, "reading changes nothing");

      for (const [who, token] of [
        ["Bob", await tokenOf(bob)],
        ["nobody", null],
      ] as const) {
        for (const { text, answer } of await answersTo(api, orderly, token)) {
          t.false(answer.includes(CANARY), `${who}: ${text}`);
          t.false(answer.includes(alice), `${who}: ${text}`);
        }
        t.deepEqual(await everythingOf(owner, account), before, `${who} changed nothing of hers`);
      }

      const mutations = orderly.filter(({ kind }) => kind === "mutation");
      await answersTo(api, mutations, await tokenOf(alice));
      t.notDeepEqual(await everythingOf(owner, account), before, "the control: Alice can change hers");
    },
    { rateLimits: { user: 10_000, address: 10_000 } },
  ),
);

test(
  "a token that is forged, expired, for others or unsigned is refused before anything is asked",
  withApi(
    async (t, api, owner) => {
      const account = await arrange(owner);
      const before = await everythingOf(owner, account);
      const operations = await operationsAgainst(owner, account);
      const tokens = {
        forged: await tokenOf(alice, { secret: "another secret that is long enough too" }),
        expired: await tokenOf(alice, { expires: Math.floor(Date.now() / 1000) - 1 }),
        forOthers: await tokenOf(alice, { claims: { aud: "somebody-else" } }),
        unsigned: new UnsecuredJWT({ sub: alice, aud: "authenticated", exp: 9e9 }).encode(),
        ofNobody: await tokenOf("alice"),
        service: await tokenOf("service_role", { claims: { role: "service_role" } }),
      };
      t.is((await api.ask("{ accounts { nodes { id } } }", {}, await tokenOf(alice))).status, 200, "the control");
      for (const [what, token] of Object.entries(tokens)) {
        const statements = api.statements();
        for (const { status, answer, text } of await answersTo(api, operations, token)) {
          t.is(status, 401, `${what}: ${text}`);
          t.false(answer.includes(CANARY));
          t.false(answer.includes(token));
        }
        t.is(api.statements(), statements, `${what}: the database was not asked`);
      }
      t.deepEqual(await everythingOf(owner, account), before);
      for (const token of Object.values(tokens)) t.false(api.logged().includes(token), "no token is logged");
    },
    { rateLimits: { user: 10_000, address: 10_000 } },
  ),
);

test(
  "what is no account at all is answered as another's is: nobody learns which accounts exist",
  withApi(async (t, api, owner) => {
    const { accountId } = await arrange(owner);
    const token = await tokenOf(bob);
    const ask = async (id: string) =>
      (
        await api.ask(
          `mutation ($id: UUID!) { requestSync(input: { accountId: $id, idempotencyKey: "12345678" }) { result { outcome } } }`,
          { id },
          token,
        )
      ).text;
    t.is(await ask(accountId), await ask(randomUUID()));
    const reauth = async (id: string) =>
      (
        await api.ask(
          "mutation ($id: UUID!) { startReauthentication(input: { accountId: $id }) { monoUrl } }",
          { id },
          token,
        )
      ).text;
    t.is(await reauth(accountId), await reauth(randomUUID()));
    t.regex(await reauth(accountId), /NTFND/);
    t.is(await valueOf(owner, "select count(*)::int from app_private.idempotency_keys"), 0);
  }),
);
