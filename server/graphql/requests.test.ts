import test from "ava";
import { createVerifier } from "../identity.ts";
import { alice, linkMono } from "../../db/testing/world.ts";
import { signingSecret, tokenOf, withApi } from "../testing/graphql_api.ts";

const codeOf = ({ errors }: { errors?: { extensions?: { code: string } | undefined }[] | undefined }) =>
  errors?.[0]?.extensions?.code;

const chain = (levels: number): string => `${"query { ".repeat(levels)}__typename${" }".repeat(levels)}`;

test(
  "what is too deep, too wide or too long is refused before it reaches the database",
  withApi(async (t, api) => {
    const token = await tokenOf(alice);
    const before = api.statements();
    const refused: Record<string, [string, string]> = {
      deep: [chain(14), "DEPTH"],
      wide: [
        "{ accounts(first: 100) { nodes { transactions(first: 100) { nodes { revisions(first: 100) { nodes { kind } } } } } } }",
        "COST",
      ],
      aliased: [
        `{ ${Array.from({ length: 400 }, (_, n) => `a${n}: accounts(first: 50) { nodes { id } }`).join(" ")} }`,
        "COST",
      ],
      long: [`{ ${"__typename ".repeat(3_001)} }`, "COST"],
      doubling: [
        `{ accounts { nodes { ...f0 } } } ${Array.from({ length: 12 }, (_, n) => `fragment f${n} on Account { ...f${n + 1} ...f${n + 1} }`).join(" ")} fragment f12 on Account { id }`,
        "COST",
      ],
    };
    for (const [what, [query, code]] of Object.entries(refused)) {
      const answer = await api.ask(query, {}, token);
      t.is(codeOf(answer), code, what);
      t.is(answer.status, 400, what);
    }
    t.is(api.statements(), before);
    t.is((await api.ask("{ accounts(first: 100) { nodes { id latestRun { id } } } }", {}, token)).errors, undefined);
  }),
);

test(
  "pages have an end, whatever is asked for",
  withApi(async (t, api) => {
    const token = await tokenOf(alice);
    t.is(codeOf(await api.ask("{ accounts(first: 101) { nodes { id } } }", {}, token)), "PAGES");
    const query = "query ($n: Int) { accounts(first: $n) { nodes { id } } }";
    t.is(codeOf(await api.ask(query, { n: 101 }, token)), "PAGES");
    t.is((await api.ask(query, { n: null }, token)).errors, undefined);
    t.is((await api.ask(query, { n: 100 }, token)).errors, undefined);
  }),
);

test(
  "the schema is told only where it may be, and mistakes are answered without names from it",
  withApi(async (t, api) => {
    t.regex((await api.ask("{ __schema { types { name } } }")).text, /introspection has been disabled/);
    const { text } = await api.ask("{ acounts { nodes { id } } }");
    t.regex(text, /Cannot query field/);
    t.notRegex(text, /Did you mean|accounts/);
  }),
);

test(
  "in development, the schema is told, and Ruru is there",
  withApi(
    async (t, api) => {
      t.is((await api.ask("{ __schema { queryType { name } } }")).errors, undefined);
      t.regex((await api.ask("{ acounts { nodes { id } } }")).text, /Did you mean/);
      const ruru = await fetch(`${api.url}/ruru`);
      t.is(ruru.status, 200);
      t.is(ruru.headers.get("content-security-policy"), null);
    },
    { introspection: true, ruru: true },
  ),
);

test(
  "outside of it there is no Ruru, and GET asks nothing",
  withApi(async (t, api) => {
    t.is((await fetch(`${api.url}/ruru`)).status, 404);
    t.is((await fetch(`${api.url}/graphql?query={__typename}`)).status, 405);
    const plain = await fetch(`${api.url}/graphql`, { method: "POST", body: '{"query":"{__typename}"}' });
    t.is(plain.status, 415, "a page of another origin can send text without asking");
    const large = await api.ask(`{ __typename } #${"x".repeat(70_000)}`);
    t.is(large.status, 413);
    t.is(codeOf(large), "COST");
  }),
);

test(
  "requests have a limit for each user and address, and the answer says when to come back",
  withApi(
    async (t, api) => {
      const token = await tokenOf(alice);
      for (let n = 0; n < 3; n += 1) t.is((await api.ask("{ __typename }", {}, token)).status, 200);
      const limited = await api.ask("{ __typename }", {}, token);
      t.is(limited.status, 429);
      t.is(codeOf(limited), "RATE_LIMITED");
      t.regex(limited.headers.get("retry-after") ?? "", /^\d+$/);
      t.is((await api.ask("{ __typename }", {}, await tokenOf("b0b00000-0000-4000-8000-000000000002"))).status, 200);
      for (let n = 0; n < 2; n += 1) t.is((await api.ask("{ __typename }", {}, "guess")).status, 401);
      t.is((await api.ask("{ __typename }", {}, "guess")).status, 429, "guessing tokens is limited too");
    },
    { rateLimits: { user: 3, address: 2 } },
  ),
);

const PROXIES = { rateLimits: { user: 2, address: 2 }, trustedProxies: ["127.0.0.1"] };

/** Asks once as each of these clients of a proxy, and answers the statuses. */
async function askFor(url: string, clients: string[]): Promise<number[]> {
  const statuses: number[] = [];
  for (const client of clients) {
    const reply = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-forwarded-for": client },
      body: '{"query":"{ __typename }"}',
    });
    statuses.push(reply.status);
  }
  return statuses;
}

test(
  "behind a proxy that is trusted, each of its clients has a limit of its own, and none can make up another",
  withApi(async (t, api) => {
    t.deepEqual(await askFor(api.url, ["203.0.113.1", "203.0.113.1", "203.0.113.1"]), [200, 200, 429]);
    t.deepEqual(await askFor(api.url, ["203.0.113.2"]), [200]);
    // The proxy adds whom it saw to what the client said.
    t.deepEqual(await askFor(api.url, ["198.51.100.1, 203.0.113.1", "198.51.100.2, 203.0.113.1"]), [429, 429]);
  }, PROXIES),
);

test(
  "an address of IPv6 is a /64: whoever has one has all of its addresses",
  withApi(async (t, api) => {
    t.deepEqual(await askFor(api.url, ["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:f:f:f:f"]), [200, 200, 429]);
    t.deepEqual(await askFor(api.url, ["2001:db8:0:2::1"]), [200]);
    t.deepEqual(await askFor(api.url, ["203.0.113.9", "::ffff:203.0.113.9", "203.0.113.9"]), [200, 200, 429]);
  }, PROXIES),
);

test(
  "nobody else's word for who a client is counts",
  withApi(
    async (t, api) => {
      t.deepEqual(await askFor(api.url, ["203.0.113.1", "203.0.113.2", "203.0.113.3"]), [200, 200, 429]);
    },
    { ...PROXIES, trustedProxies: ["10.0.0.0/8"] },
  ),
);

test(
  "browsers are told what they may do, and other origins only if they are on the list",
  withApi(
    async (t, api) => {
      const from = (origin: string) =>
        fetch(`${api.url}/graphql`, {
          method: "OPTIONS",
          headers: {
            origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization",
          },
        });
      t.is(
        (await from("https://app.example.com")).headers.get("access-control-allow-origin"),
        "https://app.example.com",
      );
      t.is((await from("https://evil.example.com")).headers.get("access-control-allow-origin"), null);
      const { headers } = await api.ask("{ __typename }");
      t.is(headers.get("x-content-type-options"), "nosniff");
      t.regex(headers.get("content-security-policy") ?? "", /default-src 'self'/);
    },
    { corsOrigins: ["https://app.example.com", "https://other.example.com"] },
  ),
);

test(
  "errors of ours keep their sentence and code; accidents keep theirs to the log",
  withApi(async (t, api, owner) => {
    const account = await linkMono(owner);
    const token = await tokenOf(alice);
    const ask = (query: string, variables: Record<string, unknown> = {}) => api.ask(query, variables, token);
    const request = `mutation ($id: UUID!, $key: String!) {
      requestSync(input: { accountId: $id, idempotencyKey: $key }) { result { outcome } } }`;
    const missing = await ask(request, { id: alice, key: "12345678" });
    t.is(missing.errors?.[0]?.message, "There is no such account.");
    t.is(codeOf(missing), "NTFND");
    t.is(codeOf(await ask(request, { id: account.accountId, key: "short" })), "KEYNV");
    t.is(
      codeOf(
        await ask(
          'mutation { chooseSyncSettings(input: { platformSource: mono, timeZone: "Mars" }) { result { timeZone } } }',
        ),
      ),
      "SETNV",
    );
    t.is(
      codeOf(await ask('mutation { linkMonoAccount(input: { code: "abc", accountName: "x" }) { account { id } } }')),
      "PRVNA",
    );

    await owner.query("alter function app_public.unread_notifications() rename to unread_elsewhere");
    const accident = await ask("{ unreadNotifications }");
    const id = accident.errors?.[0]?.extensions?.["id"];
    t.is(codeOf(accident), "INTERNAL");
    t.is(accident.errors?.[0]?.message, `An error occurred (id ${String(id)}).`);
    t.notRegex(accident.text, /unread_notifications/);
    t.true(api.logged().includes(String(id)));
    t.regex(api.logged(), /unread_notifications/);
  }),
);

test(
  "a secret in the wrong place is not repeated, neither to the caller nor to the log",
  withApi(async (t, api) => {
    const secret = "canary-9f8e7d6c5b4a39281706f5e4d3c2b1a0";
    const token = await tokenOf(alice);
    const answers = [
      await api.ask(
        "mutation ($input: LinkMomoAccountInput!) { linkMomoAccount(input: $input) { account { id } } }",
        { input: { apiKey: { secret }, accountName: [secret, secret], apiUserId: secret } },
        token,
      ),
      await api.ask(
        "mutation ($input: LinkMomoAccountInput!) { linkMomoAccount(input: $input) { account { id } } }",
        {
          input: {
            apiKey: `${secret} with spaces`,
            accountName: "Wallet",
            apiUserId: alice,
            targetEnvironment: secret,
          },
        },
        token,
      ),
      await api.ask(`{ account(id: "${secret}") { id } }`, {}, token),
      await api.ask("{ accounts { nodes { id } } }", {}, secret),
    ];
    for (const { text } of answers) t.notRegex(text, /canary/);
    t.true(answers.every(({ errors }) => errors !== undefined));
    t.notRegex(api.logged(), /canary/);
  }),
);

test(
  "a statement that takes too long is stopped, and says so",
  withApi(async (t, api, owner) => {
    await owner.query(
      "create or replace function app_public.unread_notifications() returns integer language sql stable as 'select 1 from pg_sleep(60)'",
    );
    const answer = await api.ask("{ unreadNotifications }", {}, await tokenOf(alice));
    t.is(codeOf(answer), "TIMEOUT");
  }),
);

test(
  "keys that cannot be read are nobody's fault, and let nobody in",
  withApi(
    async (t, api) => {
      const answer = await api.ask("{ __typename }", {}, await tokenOf(alice));
      t.is(answer.status, 200, "the control: the secret still works");
      const es256 = `${Buffer.from('{"alg":"ES256"}').toString("base64url")}.e30.x`;
      t.is((await api.ask("{ __typename }", {}, es256)).status, 503);
    },
    { verify: createVerifier({ JWT_SECRET: signingSecret, JWT_JWKS_URL: "http://127.0.0.1:1/keys.json" }) },
  ),
);
