/** What `npm start` gives to those who use it: a client of GraphQL, a backend, a provider, and each role in SQL. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client as UrqlClient, fetchExchange, type OperationResult, subscriptionExchange } from "@urql/core";
import test, { type ExecutionContext } from "ava";
import { createClient as createSocket } from "graphql-ws";
import { Client, DatabaseError } from "pg";
import { z } from "zod";
import { listOf } from "../db/testing/ask.ts";
import { storedCanaries } from "../db/testing/canaries/stored.ts";
import { readConnection, type Connection } from "./connection.ts";
import { demoUsers } from "./demo/people.ts";

const WHEN_READY = "Ctrl-C stops it.";

/** The command on ports and a folder of its own, until the test ends. */
async function start(t: ExecutionContext): Promise<Connection> {
  const data = await mkdtemp(join(tmpdir(), "tidemark-start-"));
  // The embedded Postgres may run as another user, who must get in.
  await chmod(data, 0o755);
  const child = spawn(process.execPath, [join(import.meta.dirname, "start.ts")], {
    env: { PATH: process.env["PATH"], PORT: "0", TIDEMARK_DATA: data, PUBLIC_URL: "https://sync.example" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "exit");
  t.teardown(async () => {
    if (child.exitCode === null) child.kill("SIGTERM");
    await ended;
    await rm(data, { recursive: true, force: true });
  });
  const output = await ready(child);
  t.notRegex(output, /GRAPHILE_ENV/, "graphile_environment.ts is imported before anything of Graphile's");
  const connection = await readConnection(data);
  if (connection === null) throw new Error("it says that it is ready, and not where");
  return connection;
}

/** What it has said until then. */
function ready(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes(WHEN_READY)) resolve(output);
      });
    }
    child.once("exit", () => reject(new Error(`it ended before it was ready:\n${output}`)));
  });
}

const answerOf = async <T>(schema: z.ZodType<T>, reply: Response): Promise<T> => schema.parse(await reply.json());

/** urql as an app would set it up: queries and mutations by POST, subscriptions over graphql-ws. */
async function signIn(t: ExecutionContext, { serverUrl }: Connection, user: string): Promise<UrqlClient> {
  const reply = await fetch(`${serverUrl}/demo/sign-in`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user }),
  });
  const { token } = await answerOf(z.object({ token: z.string() }), reply);
  const authorization = `Bearer ${token}`;
  const socket = createSocket({
    url: `${serverUrl.replace("http", "ws")}/graphql`,
    connectionParams: { authorization },
  });
  t.teardown(async () => socket.dispose());
  return new UrqlClient({
    url: `${serverUrl}/graphql`,
    preferGetMethod: false,
    fetchOptions: { headers: { authorization } },
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe(
              { query: query ?? "", variables: { ...variables } },
              {
                next: ({ data }) => sink.next({ data: data ?? null }),
                error: (error) => sink.error(error),
                complete: () => sink.complete(),
              },
            ),
          }),
        }),
      }),
    ],
  });
}

/** All that a subscription tells, and the first of it that is as a schema says. */
function listen(client: UrqlClient, subscription: string) {
  const heard: unknown[] = [];
  let look = (): void => {};
  const subscribed = client.subscription(subscription, {}).subscribe(({ data, error }: OperationResult) => {
    heard.push(data ?? error);
    look();
  });
  return {
    heard,
    stop: () => subscribed.unsubscribe(),
    until: <T>(schema: z.ZodType<T>): Promise<T> =>
      new Promise((resolve) => {
        look = () => {
          for (const event of heard) {
            const wanted = schema.safeParse(event);
            if (wanted.success) resolve(wanted.data);
          }
        };
        look();
      }),
  };
}

async function connect(t: ExecutionContext, connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  await client.connect();
  t.teardown(() => client.end());
  return client;
}

const ACCOUNTS = "query { accounts { nodes { id accountName platformSource syncStatus } } }";
const accountsAnswer = z.object({
  accounts: z.object({
    nodes: z.array(
      z.object({ id: z.guid(), accountName: z.string(), platformSource: z.string(), syncStatus: z.string() }),
    ),
  }),
});

const TRANSACTIONS = "query ($id: UUID!) { account(id: $id) { transactions(first: 5) { nodes { amount } } } }";
const transactionsAnswer = z.object({
  account: z.object({ transactions: z.object({ nodes: z.array(z.object({ amount: z.string() })) }) }).nullable(),
});

const REQUEST_SYNC =
  "mutation ($id: UUID!, $key: String!) { requestSync(input: { accountId: $id, idempotencyKey: $key }) { result { outcome } } }";

const LINK = `mutation ($input: LinkMomoAccountInput!) { linkMomoAccount(input: $input) { account { id syncStatus } } }`;
const linkAnswer = z.object({
  linkMomoAccount: z.object({ account: z.object({ id: z.guid(), syncStatus: z.literal("active") }) }),
});

const changeOf = (account: z.ZodType) => z.object({ myAccountChanged: z.object({ account }) });
const CHANGES = "subscription { myAccountChanged { accountId account { accountName lastSyncedAt } } }";

const wallet = z.object({
  apiUser: z.string(),
  apiKey: z.string(),
  msisdn: z.string(),
  statement: z.object({ clientId: z.string(), clientSecret: z.string(), apiKey: z.string() }),
});

test("npm start, as urql, a backend, a provider and each role of the database use it", async (t) => {
  t.timeout(300_000);
  const connection = await start(t);
  const owner = await connect(t, connection.databaseUrl);
  await asPeopleDo(t, connection, owner);
  await asBackendsDo(t, connection);
  await inSqlAsEachRole(t, connection, owner);
  t.deepEqual(await storedCanaries(owner), []);
});

async function asPeopleDo(t: ExecutionContext, connection: Connection, owner: Client): Promise<void> {
  const [ada, kofi] = [await signIn(t, connection, "ada"), await signIn(t, connection, "kofi")];
  const accountsOf = async (client: UrqlClient) =>
    accountsAnswer.parse((await client.query(ACCOUNTS, {}).toPromise()).data).accounts.nodes;
  const [hers, his] = [await accountsOf(ada), await accountsOf(kofi)];
  t.deepEqual(
    [hers, his].map((nodes) => nodes.map(({ accountName }) => accountName).toSorted()),
    demoUsers.map(({ accounts }) => accounts.map(({ name }) => name).toSorted()),
  );

  const [herChanges, hisChanges] = [listen(ada, CHANGES), listen(kofi, CHANGES)];
  // Nobody tells when a subscription listens: it does once something was heard.
  while (herChanges.heard.length === 0 || hisChanges.heard.length === 0) {
    await owner.query("update app_public.accounts set balance = coalesce(balance, 0) + 1");
  }
  const made = await fetch(`${connection.momoUrl}/control/wallets`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ balance: "250.00" }),
  });
  const { apiUser, apiKey, msisdn, statement } = await answerOf(wallet, made);
  const input = {
    accountName: "Second till",
    apiUserId: apiUser,
    apiKey,
    statement: { ...statement, phoneNumber: msisdn },
  };
  const linked = await ada.mutation(LINK, { input }).toPromise();
  const { id } = linkAnswer.parse(linked.data).linkMomoAccount.account;
  // Linked by a mutation, synced by the worker, told over the socket.
  await herChanges.until(
    changeOf(z.object({ accountName: z.literal("Second till"), lastSyncedAt: z.iso.datetime({ offset: true }) })),
  );
  const rows = await ada.query(TRANSACTIONS, { id }).toPromise();
  t.is(transactionsAnswer.parse(rows.data).account?.transactions.nodes.length, 5);

  t.deepEqual(transactionsAnswer.parse((await kofi.query(TRANSACTIONS, { id }).toPromise()).data), { account: null });
  const request = { id, key: "a key of this test" };
  const again = await ada.mutation(REQUEST_SYNC, request).toPromise();
  t.like(again.data, { requestSync: { result: { outcome: "cooling_down" } } });
  const refused = await kofi.mutation(REQUEST_SYNC, request).toPromise();
  t.like(refused.error?.graphQLErrors[0], { message: "There is no such account.", extensions: { code: "NTFND" } });
  t.false(JSON.stringify(hisChanges.heard).includes(id));
  for (const { stop } of [herChanges, hisChanges]) stop();
}

async function asBackendsDo(t: ExecutionContext, { serverUrl, serviceToken = "" }: Connection): Promise<void> {
  const statuses = async (path: string, method: string): Promise<number[]> => {
    const found = [];
    for (const token of [serviceToken, `${serviceToken}x`]) {
      const reply = await fetch(`${serverUrl}${path}`, { method, headers: { authorization: `Bearer ${token}` } });
      await reply.text();
      found.push(reply.status);
    }
    return found;
  };
  t.deepEqual(await statuses("/sync/background", "POST"), [202, 401]);
  t.deepEqual(await statuses("/accounts", "GET"), [200, 401]);
  const hook = await fetch(`${serverUrl}/webhooks/mono`, { method: "POST", body: "{}" });
  t.is(hook.status, 401, "the simulator knows the secret, and nobody else");
}

/** Logins such as an operator makes: each a member of one role. What is refused with 42501, and what is answered. */
async function inSqlAsEachRole(t: ExecutionContext, { databaseUrl }: Connection, owner: Client): Promise<void> {
  const as = async (role: string): Promise<Client> => {
    await owner.query(`create role test_${role} login password 'of this test' in role app_${role}`);
    const url = new URL(databaseUrl);
    url.username = `test_${role}`;
    url.password = "of this test";
    return connect(t, url.href);
  };
  const refuses = async (client: Client, ...statements: string[]): Promise<void> => {
    for (const sql of statements) {
      const { code } = (await t.throwsAsync(client.query(sql), { instanceOf: DatabaseError }, sql)) ?? {};
      t.is(code, "42501", sql);
    }
  };
  const secrets = "select from app_private.credentials";
  const money = "select from app_public.transactions";
  const operators = "select from app_admin.platform_health";
  const job = "select graphile_worker.add_job('clean_up', '{}')";

  const visitor = await as("visitor");
  await refuses(visitor, secrets, operators, job, "update app_public.accounts set balance = 0");
  t.deepEqual(await listOf(visitor, "select id from app_public.accounts"), [], "nobody in particular");
  await visitor.query("select set_config('tidemark.user_id', $1, false)", [demoUsers[0]?.id]);
  t.is((await listOf(visitor, "select id from app_public.accounts")).length, 4);

  const service = await as("service");
  await refuses(service, secrets, money, operators, job, "select from app_public.accounts");
  t.is((await listOf(service, "select id from app_private.list_accounts(null, null, null, 100)")).length, 7);

  const worker = await as("worker");
  await refuses(worker, secrets, money, operators, "select from app_public.accounts");
  await worker.query(job);

  const admin = await as("admin");
  await refuses(admin, secrets, money, job, "select from app_public.accounts");
  t.is((await listOf(admin, operators.replace("from", "platform_source from"))).length, 2);

  const authenticator = await as("authenticator");
  await refuses(authenticator, secrets, money, operators, job, "set role app_worker", "set role app_admin");
  t.is((await listOf(authenticator, "select platform_source from app_private.readiness()")).length, 2);
}
