/** The API on a port of its own, for a test: over a database of the test's, asked as anybody. */

import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import type { ExecutionContext } from "ava";
import { createClient } from "graphql-ws";
import { SignJWT } from "jose";
import type { Client } from "pg";
import { z } from "zod";
import { createLog } from "../../db/log.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { type ClonedDb, withClonedDb } from "../../db/testing/database.ts";
import { createApp } from "../app.ts";
import { createVerifier, type TokenSettings } from "../identity.ts";
import { Linking, type LinkingDependencies } from "../linking.ts";
import type { GraphqlOptions } from "../routes/graphql.ts";

export const signingSecret = canarySecret("hex");

const answer = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z
    .array(z.looseObject({ message: z.string(), extensions: z.looseObject({ code: z.string() }).optional() }))
    .optional(),
});
/** What PostGraphile reads with is prepared, and so has a name. */
const namedQuery = z
  .object({ name: z.string(), text: z.string(), values: z.array(z.unknown()).optional() })
  .transform(({ text, values = [] }) => ({ text, values }));
export type Answer = { status: number; headers: Headers; text: string } & z.infer<typeof answer>;

export type Api = {
  url: string;
  /** Everything the server has logged. */
  logged: () => string;
  /** How many statements the server has sent to the database. */
  statements: () => number;
  /** The statement with parameters that it sent last: what PostGraphile made of the last question. */
  lastQuery: () => { text: string; values: unknown[] };
  /** How long each request took, in milliseconds, from its arrival until its answer was handed over. */
  times: () => readonly number[];
  /** How many sessions of the server's have said LISTEN. */
  listening: () => number;
  /** Sends one operation; without a token as nobody. */
  ask(query: string, variables?: Record<string, unknown>, token?: string | null): Promise<Answer>;
  /** A client of graphql-ws, closed with the server. */
  socket(token: string | null): SocketClient;
};

export type SocketClient = {
  /** Events of one subscription, from the moment that the server listens. */
  subscribe(query: string, variables?: Record<string, unknown>): AsyncIterableIterator<unknown>;
  /** Resolves with the code and the reason when the server closes the connection. */
  closed: Promise<{ code: number; reason: string }>;
  opened: Promise<void>;
  close: () => Promise<void>;
};

/** A token as an issuer would make it, good for an hour unless told. */
export function tokenOf(
  userId: string,
  {
    claims = {},
    secret = signingSecret,
    expires = "1 hour",
  }: {
    claims?: Record<string, unknown>;
    secret?: string;
    expires?: string | number;
  } = {},
): Promise<string> {
  return new SignJWT({ role: "authenticated", aud: "authenticated", ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(secret));
}

export type ApiOptions = Partial<Omit<GraphqlOptions, "linking" | "db" | "log">> & {
  tokens?: TokenSettings;
  linking?: LinkingDependencies;
  corsOrigins?: string[];
  trustedProxies?: string[];
};

/** A test with the API on a database of its own, which is closed after it. */
export function withApi(
  body: (t: ExecutionContext, api: Api, owner: Client, cloned: ClonedDb) => Promise<void>,
  options: ApiOptions | ((cloned: ClonedDb) => ApiOptions) = {},
): (t: ExecutionContext) => Promise<void> {
  return withClonedDb(async (t, cloned) => {
    const { api, close } = await startApi(cloned, typeof options === "function" ? options(cloned) : options);
    try {
      await body(t, api, await cloned.connect("app_owner"), cloned);
    } finally {
      await close();
    }
  });
}

async function startApi(cloned: ClonedDb, options: ApiOptions): Promise<{ api: Api; close: () => Promise<void> }> {
  let logged = "";
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged += chunk.toString();
      done();
    },
  });
  const { tokens, linking, corsOrigins, trustedProxies, ...others } = options;
  const db = cloned.pool("app_authenticator");
  let statements = 0;
  let listening = 0;
  let lastQuery: { text: string; values: unknown[] } = { text: "", values: [] };
  db.on("connect", (client) => {
    // oxlint-disable-next-line typescript/unbound-method -- called on the client it was taken from
    const { query } = client;
    Object.defineProperty(client, "query", {
      value: (...args: unknown[]): unknown => {
        statements += 1;
        const named = namedQuery.safeParse(args[0]);
        if (named.success) lastQuery = named.data;
        if (typeof args[0] === "string" && args[0].startsWith("listen ")) listening += 1;
        return Reflect.apply(query, client, args);
      },
    });
  });
  const app = createApp({
    db,
    log: createLog({ level: "debug", destination }),
    graphql: {
      verify: createVerifier({ JWT_SECRET: signingSecret, JWT_AUDIENCE: "authenticated", ...tokens }),
      linking: new Linking(linking ?? null),
      introspection: false,
      ruru: false,
      ...others,
    },
    corsOrigins,
    trustedProxies,
  });
  const times: number[] = [];
  app.addHook("onResponse", async (_request, reply) => {
    times.push(reply.elapsedTime);
  });
  const closing: (() => Promise<void>)[] = [];
  await app.listen({ port: 0, host: "127.0.0.1" });
  const url = `http://127.0.0.1:${addressOf(app.server.address()).port}`;
  const close = async (): Promise<void> => {
    for (const one of closing) await one();
    await app.close();
    // Waits for what a pushed event is still reading.
    await db.end();
  };

  const api: Api = {
    url,
    logged: () => logged,
    statements: () => statements,
    lastQuery: () => lastQuery,
    times: () => times,
    listening: () => listening,
    async ask(query, variables = {}, token = null) {
      const reply = await fetch(`${url}/graphql`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({ query, variables }),
      });
      const text = await reply.text();
      return { status: reply.status, headers: reply.headers, text, ...answer.parse(JSON.parse(text)) };
    },
    socket(token) {
      const opened = Promise.withResolvers<void>();
      const closed = Promise.withResolvers<{ code: number; reason: string }>();
      const client = createClient({
        url: `${url.replace("http", "ws")}/graphql`,
        lazy: false,
        retryAttempts: 0,
        onNonLazyError: () => {},
        connectionParams: token === null ? {} : { authorization: `Bearer ${token}` },
        on: {
          connected: () => opened.resolve(),
          closed: (event) => closed.resolve(z.object({ code: z.number(), reason: z.string() }).parse(event)),
        },
      });
      closing.push(async () => client.dispose());
      return {
        subscribe: (query, variables = {}) => client.iterate({ query, variables }),
        opened: opened.promise,
        closed: closed.promise,
        close: async () => client.dispose(),
      };
    },
  };
  return { api, close };
}

function addressOf(address: string | AddressInfo | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address;
}
