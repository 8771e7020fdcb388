import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { z } from "zod";
import type { CannedHistory } from "./canned_answers.ts";

const started = z.object({ port: z.number() });
const counted = z.object({ requests: z.number() });

export type CannedProvider = {
  url: string;
  processId: number;
  /** From now on every account has this history, and each answer takes this long. */
  answerWith(history: CannedHistory, latencyMs?: number): Promise<void>;
  /** Requests so far. */
  requests(): Promise<number>;
  close(): Promise<void>;
};

/** A stand-in for Mono that answers at once, in a process of its own. */
export async function startCannedProvider(): Promise<CannedProvider> {
  const child = fork(join(import.meta.dirname, "canned_provider_process.ts"));
  const { port } = started.parse((await once(child, "message"))[0]);
  // One question at a time: answers carry no name.
  let last: Promise<unknown> = Promise.resolve();
  const ask = (message: "count" | { history: CannedHistory; latencyMs: number }): Promise<number> => {
    const answered = last.then(async () => {
      const answer = once(child, "message");
      child.send(message);
      return counted.parse((await answer)[0]).requests;
    });
    last = answered;
    return answered;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    processId: child.pid ?? 0,
    answerWith: async (history, latencyMs = 0) => {
      await ask({ history, latencyMs });
    },
    requests: () => ask("count"),
    async close() {
      const gone = once(child, "exit");
      child.disconnect();
      await gone;
    },
  };
}
