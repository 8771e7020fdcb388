import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";

export type StubRequest = {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: IncomingHttpHeaders;
  body: string;
};

/** `json` becomes the body; `body` is sent as it is; "hang" never answers, "cut" breaks the connection. */
export type StubReply =
  { status?: number; headers?: Record<string, string>; json?: unknown; body?: string } | "hang" | "cut";

export type StubServer = {
  url: string;
  /** Every request so far, oldest first. */
  requests: StubRequest[];
  close(): Promise<void>;
};

/** A server on loopback whose every answer a test decides. */
export async function startStubServer(answer: (request: StubRequest) => StubReply): Promise<StubServer> {
  const requests: StubRequest[] = [];
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const url = new URL(incoming.url ?? "/", "http://stub");
      const request = {
        method: incoming.method ?? "",
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString(),
      };
      requests.push(request);
      const reply = answer(request);
      if (reply === "hang") return;
      if (reply === "cut") {
        incoming.socket.destroy();
        return;
      }
      const body = reply.body ?? (reply.json === undefined ? "" : JSON.stringify(reply.json));
      response.writeHead(reply.status ?? 200, reply.headers).end(body);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new TypeError("the stub listens on no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}
