import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { parseServiceTokens, holderOf, type ServiceToken } from "../../db/service_tokens.ts";
import type { Environment } from "../../db/environment.ts";
import type { Log } from "../../db/log.ts";
import type { Metrics } from "./metrics.ts";

export type MetricsListener = { url: string; close(): Promise<void> };

/**
 * Answers `/metrics` and `/healthz` for a process that serves nothing else, on TIDEMARK_METRICS_PORT; null where that is unset.
 *
 * Without TIDEMARK_METRICS_TOKENS it listens on this machine's loopback only. With them it listens everywhere, as a container
 * needs it, and `/metrics` wants one of them: how many accounts there are and how they fare is nobody else's business.
 *
 * @throws Error with code EADDRINUSE where the port is taken
 */
export async function listenForMetrics(
  environment: Pick<Environment, "TIDEMARK_METRICS_PORT" | "TIDEMARK_METRICS_TOKENS">,
  metrics: Metrics,
  log: Log,
): Promise<MetricsListener | null> {
  const { TIDEMARK_METRICS_PORT: port, TIDEMARK_METRICS_TOKENS: text } = environment;
  if (port === undefined) return null;
  const tokens = text === undefined ? null : parseServiceTokens(text);
  const server = createServer((request, response) => {
    answer(request, response, { metrics, tokens }).catch((error: unknown) => {
      log.error({ err: error }, "/metrics could not be answered");
      response.destroy();
    });
  });
  const host = tokens === null ? "127.0.0.1" : "0.0.0.0";
  server.listen(port, host);
  await once(server, "listening");
  // Port 0 asks for any that is free.
  const address = server.address();
  const taken = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host}:${taken}/metrics`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { metrics, tokens }: { metrics: Metrics; tokens: readonly ServiceToken[] | null },
): Promise<void> {
  const [path] = (request.url ?? "").split("?");
  if (request.method !== "GET") response.writeHead(405, { allow: "GET" }).end();
  else if (path === "/healthz") response.writeHead(200, { "content-type": "application/json" }).end('{"status":"ok"}');
  else if (path !== "/metrics") response.writeHead(404).end();
  else if (tokens !== null && holderOf(tokens, request.headers.authorization) === null) {
    response.writeHead(401, { "www-authenticate": 'Bearer realm="tidemark metrics"' }).end();
  } else {
    const { contentType, text } = await metrics.render();
    response.writeHead(200, { "content-type": contentType }).end(text);
  }
}
