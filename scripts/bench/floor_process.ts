/** Sends requests with the client that our platforms use, and does nothing with the answers. Started by startFloor. */

import { z } from "zod";
import { createHttpClient, urlUnder } from "../../tasks/@http/client.ts";

const order = z.object({
  baseUrl: z.string(),
  path: z.string(),
  query: z.record(z.string(), z.string()),
  requests: z.number(),
  concurrency: z.number(),
});

const http = createHttpClient();

async function send({ baseUrl, path, query, requests, concurrency }: z.infer<typeof order>): Promise<number> {
  let left = requests;
  const started = performance.now();
  const sender = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await http.send({
        operation: "floor",
        method: "GET",
        url: urlUnder(baseUrl, path, query),
        headers: { "mono-sec-key": "test_sk_bench", "x-realtime": "true" },
        call: { signal: new AbortController().signal },
        deadlineMs: 15_000,
      });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, sender));
  return (performance.now() - started) / 1_000;
}

process.on("message", (message) => {
  void send(order.parse(message)).then((seconds) => process.send?.({ seconds }));
});
process.on("disconnect", () => process.exit());
process.send?.({ ready: true });
