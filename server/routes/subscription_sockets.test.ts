import { once } from "node:events";
import { connect } from "node:net";
import test from "ava";
import type { Client } from "pg";
import { alice, bob, linkMono } from "../../db/testing/world.ts";
import { type Api, tokenOf, withApi } from "../testing/graphql_api.ts";

const SUBSCRIPTION = "subscription { myAccountChanged { accountId } }";

/** A socket by hand, which says just what it is told to; resolves with how it is closed. */
function closeOf(api: Api, ...messages: object[]): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${api.url.replace("http", "ws")}/graphql`, "graphql-transport-ws");
    socket.addEventListener("open", () => {
      for (const message of messages) socket.send(JSON.stringify(message));
    });
    socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
  });
}

/** How a handshake ends: a 429 gives no socket at all. */
function handshake(api: Api): Promise<"opened" | "refused"> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${api.url.replace("http", "ws")}/graphql`, "graphql-transport-ws");
    socket.addEventListener("open", () => {
      resolve("opened");
      socket.close();
    });
    socket.addEventListener("error", () => resolve("refused"));
  });
}

/** What a subscription is refused with, as text. */
const refusalOf = async (events: AsyncIterableIterator<unknown>): Promise<string> =>
  events.next().then(
    (event) => `not refused: ${JSON.stringify(event)}`,
    (refusal: unknown) => JSON.stringify(refusal),
  );

test(
  "a socket that says nothing, too much, or nonsense is closed, and is told nothing of the server",
  withApi(async (t, api) => {
    const token = await tokenOf(alice);
    const init = (authorization: unknown) => ({ type: "connection_init", payload: { authorization } });
    t.is((await closeOf(api)).code, 4408);
    t.is((await closeOf(api, init("x".repeat(70_000)))).code, 1009);
    t.deepEqual(await closeOf(api, init(7)), { code: 4403, reason: "Forbidden" });
    t.deepEqual(await closeOf(api, init([`Bearer ${token}`])), { code: 4403, reason: "Forbidden" });
    t.is((await closeOf(api, { type: "connection_init", payload: [] })).code, 4400);
    t.deepEqual(await closeOf(api, { type: "subscribe", id: "1", payload: { query: SUBSCRIPTION } }), {
      code: 4401,
      reason: "Unauthorized",
    });
    // The control: the same by hand, with a token, goes on until it says that twice.
    t.is((await closeOf(api, init(`Bearer ${token}`), init(`Bearer ${token}`))).code, 4429);
  }),
);

test(
  "a user has so many sockets and no more, and a place again when one is closed; others have theirs",
  withApi(async (t, api) => {
    const token = await tokenOf(alice);
    const sockets = Array.from({ length: 20 }, () => api.socket(token));
    await Promise.all(sockets.map(({ opened }) => opened));
    t.deepEqual(await api.socket(token).closed, { code: 1013, reason: "Too many connections" });
    await api.socket(await tokenOf(bob)).opened;
    await sockets[0]?.close();
    t.pass(await anotherOpens(api, token));
  }),
);

/** The server learns of a close a moment after whoever closed. */
async function anotherOpens(api: Api, token: string): Promise<string> {
  for (;;) {
    const { opened, closed } = api.socket(token);
    if ((await Promise.race([opened.then(() => "opened" as const), closed])) === "opened") return "opened";
  }
}

test(
  "guessing tokens over sockets is limited like guessing them by POST; good ones cost their address nothing",
  withApi(
    async (t, api) => {
      const token = await tokenOf(alice);
      for (let n = 0; n < 6; n += 1) await api.socket(token).opened;
      t.is(await handshake(api), "opened");
      for (let n = 0; n < 3; n += 1) t.is((await api.socket("guess").closed).code, 4403);
      t.is(await handshake(api), "refused");
      t.is((await api.ask("{ __typename }", {}, "guess")).status, 429);
      t.is((await api.ask("{ __typename }", {}, token)).status, 200, "whoever is signed in may go on");
    },
    { rateLimits: { address: 2 } },
  ),
);

test(
  "a connection that asks to be a WebSocket and may not is ended, wherever it asks",
  withApi(
    async (t, api) => {
      const { hostname, port } = new URL(api.url);
      for (const path of ["/healthz", "/nothing/here", "/graphql"]) {
        const connection = connect(Number(port), hostname);
        let answer = "";
        connection.on("data", (chunk: Buffer) => (answer += chunk.toString()));
        const ended = once(connection, "close");
        connection.write(
          `GET ${path} HTTP/1.1\r\nhost: ${hostname}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
            "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        );
        await ended;
        // Elsewhere it is opened, and closed at once.
        t.is(answer.startsWith("HTTP/1.1 429 "), path === "/graphql", answer);
      }
    },
    { rateLimits: { sockets: 0 } },
  ),
);

test(
  "handshakes from an address, and subscriptions of a user, have limits",
  withApi(
    async (t, api, owner) => {
      const account = await linkMono(owner);
      const token = await tokenOf(alice);
      const socket = api.socket(token);
      await socket.opened;
      const heard = [socket.subscribe(SUBSCRIPTION).next(), socket.subscribe(SUBSCRIPTION).next()];
      await touchUntil(owner, account.accountId, Promise.all(heard));
      t.regex(await refusalOf(socket.subscribe(SUBSCRIPTION)), /RATE_LIMITED/);
      t.is((await api.ask("{ __typename }", {}, token)).status, 429, "requests and subscriptions are one count");
      t.deepEqual([await handshake(api), await handshake(api)], ["opened", "refused"]);
    },
    { rateLimits: { user: 3, sockets: 2 } },
  ),
);

async function touchUntil(owner: Client, accountId: string, coming: Promise<unknown>): Promise<void> {
  const state = { hasCome: false };
  void coming.finally(() => (state.hasCome = true));
  while (!state.hasCome) {
    await owner.query("update app_public.accounts set balance = coalesce(balance, 0) + 1 where id = $1", [accountId]);
  }
}

test(
  "what is too deep or too wide is refused in a subscription as it is in a query",
  withApi(async (t, api) => {
    const socket = api.socket(await tokenOf(alice));
    const wide =
      "transactions(first: 100) { nodes { revisions(first: 100) { nodes { transaction { revisions { nodes { kind } } } } } } }";
    t.regex(await refusalOf(socket.subscribe(`subscription { myAccountChanged { account { ${wide} } } }`)), /"COST"/);
    const deep = `${"account { syncLogs(first: 1) { nodes { ".repeat(5)} id ${"} } }".repeat(5)}`;
    t.regex(await refusalOf(socket.subscribe(`subscription { myAccountChanged { ${deep} } }`)), /"DEPTH"/);
    t.regex(await refusalOf(socket.subscribe("{ accounts { nodes { id } } }")), /sent by POST/);
    t.regex(await refusalOf(socket.subscribe("subscription { nothing }")), /Cannot query field/);
  }),
);
