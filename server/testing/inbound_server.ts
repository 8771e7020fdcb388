import { createHash } from "node:crypto";
import Fastify from "fastify";
import { createLog } from "../../db/log.ts";
import { parseServiceTokens } from "../../db/service_tokens.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import type { ClonedDb } from "../../db/testing/database.ts";
import { parseKeyring } from "../../tasks/@credentials/keyring.ts";
import { createApp } from "../app.ts";
import { type InboundDependencies, inboundRoutes } from "../inbound.ts";

export type InboundServer = {
  url: string;
  /** Of the service account `app`. */
  token: string;
  monoSecret: string;
  /** What these plugins serve, as `METHOD /path/{parameter}`: health and GraphQL are not among it. */
  routes: string[];
  /** All that was logged, as it was written. */
  logged: () => string;
  /** A JSON request as the service account, unless other headers are given. */
  ask: (
    method: string,
    path: string,
    options?: { body?: unknown; headers?: Record<string, string> },
  ) => Promise<Answer>;
  close(): Promise<void>;
};

export type Answer = { status: number; headers: Headers; text: string; json: () => unknown };

/** The server on a real port, with its internal endpoints and webhooks on this database. The caller closes it. */
export async function startInboundServer(
  cloned: ClonedDb,
  given: Partial<InboundDependencies> = {},
): Promise<InboundServer> {
  const token = canarySecret("hex");
  const monoSecret = canarySecret("hex");
  const lines: string[] = [];
  const inbound: InboundDependencies = {
    db: cloned.pool("app_service"),
    keyring: parseKeyring(`test:${canarySecret("base64")}`),
    mono: null,
    momo: { baseUrl: "https://momo.example", targetEnvironment: "mtnuganda" },
    serviceTokens: parseServiceTokens(`app:sha256:${createHash("sha256").update(token).digest("hex")}`),
    monoWebhookSecret: monoSecret,
    ...given,
  };
  const routes = await routesOf(inbound);
  const app = createApp({
    db: cloned.pool("app_authenticator"),
    log: createLog({ level: "trace", destination: { write: (line) => void lines.push(line) } }),
    inbound,
  });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  return {
    url,
    token,
    monoSecret,
    routes,
    logged: () => lines.join(""),
    async ask(method, path, { body, headers = { authorization: `Bearer ${token}` } } = {}) {
      const isText = typeof body === "string";
      const reply = await fetch(`${url}${path}`, {
        method,
        headers: { ...(body === undefined || isText ? {} : { "content-type": "application/json" }), ...headers },
        ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
      });
      const text = await reply.text();
      return { status: reply.status, headers: reply.headers, text, json: (): unknown => JSON.parse(text) };
    },
    close: () => app.close(),
  };
}

async function routesOf(inbound: InboundDependencies): Promise<string[]> {
  const routes: string[] = [];
  const app = Fastify();
  app.addHook("onRoute", ({ method, url }) => {
    // Fastify answers HEAD wherever it answers GET.
    for (const each of [method].flat().filter((name) => name !== "HEAD")) {
      routes.push(`${each} ${url.replaceAll(/:(\w+)/g, "{$1}")}`);
    }
  });
  await app.register(inboundRoutes, inbound);
  await app.close();
  return routes;
}
