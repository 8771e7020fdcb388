import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { z } from "zod";

const done = z.object({ seconds: z.number() });

/** Requests of a transactions page, as a sync sends them. */
export type FloorRequests = {
  baseUrl: string;
  /** The window's days as Mono writes them, DD-MM-YYYY. */
  start: string;
  end: string;
};

export type Floor = {
  processIds: number[];
  /** Sends so many requests and answers how long that took. */
  send(requests: number, what: FloorRequests): Promise<{ seconds: number }>;
  close(): Promise<void>;
};

/**
 * What a sync cannot be faster than: the same requests by the same client, in as many processes with the same
 * concurrency as the workers have, and nothing else.
 */
export async function startFloor(options: { many: number; concurrency: number }): Promise<Floor> {
  const children = await Promise.all(
    Array.from({ length: options.many }, async () => {
      const child = fork(join(import.meta.dirname, "floor_process.ts"));
      await once(child, "message");
      return child;
    }),
  );
  return {
    processIds: children.map(({ pid }) => pid ?? 0),
    async send(requests, { baseUrl, start, end }) {
      const order = {
        baseUrl,
        path: "/v2/accounts/d41d8cd98f00b204e9800998ecf8427e/transactions",
        query: { start, end, page: "1", limit: "100" },
        requests: Math.ceil(requests / children.length),
        concurrency: options.concurrency,
      };
      const seconds = await Promise.all(
        children.map(async (child) => {
          const answer = once(child, "message");
          child.send(order);
          return done.parse((await answer)[0]).seconds;
        }),
      );
      return { seconds: Math.max(...seconds) };
    },
    async close() {
      await Promise.all(
        children.map(async (child) => {
          const gone = once(child, "exit");
          child.disconnect();
          await gone;
        }),
      );
    },
  };
}
