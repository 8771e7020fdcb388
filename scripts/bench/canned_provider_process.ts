/**
 * Answers every request with bytes made beforehand, in a process of its own: a provider that is never the bottleneck.
 * It speaks as much HTTP/1.1 as our client does to it, GET without a body; node:http would cost three times as much.
 * Started by startCannedProvider, which says over IPC what to answer.
 */

import { createServer, type Socket } from "node:net";
import { z } from "zod";
import { CannedAnswers } from "./canned_answers.ts";

const order = z.object({
  history: z.object({ pageSize: z.number(), rowsPerWindow: z.number(), onDay: z.string().optional() }),
  latencyMs: z.number(),
});

let answers = new CannedAnswers({ pageSize: 100, rowsPerWindow: 0 });
let latencyMs = 0;
let requests = 0;

function serve(socket: Socket): void {
  let rest = "";
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    rest += chunk.toString("latin1");
    for (let end = rest.indexOf("\r\n\r\n"); end >= 0; end = rest.indexOf("\r\n\r\n")) {
      const path = rest.slice(4, rest.indexOf(" ", 4));
      rest = rest.slice(end + 4);
      requests += 1;
      const bytes = answers.to(path);
      if (latencyMs === 0) socket.write(bytes);
      else setTimeout(() => socket.write(bytes), latencyMs);
    }
  });
}

const server = createServer(serve);
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("A TCP server has a port");
  process.send?.({ port: address.port });
});
process.on("message", (message) => {
  if (message === "count") {
    process.send?.({ requests });
    return;
  }
  const told = order.parse(message);
  answers = new CannedAnswers(told.history);
  latencyMs = told.latencyMs;
  process.send?.({ requests });
});
process.on("disconnect", () => process.exit());
