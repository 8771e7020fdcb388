/**
 * Listens to all that a test process writes somewhere, whoever writes it and whoever reads it: each line of each log, the
 * output of child processes, and what its servers answer. Nothing has to be remembered by a test.
 *
 * What the process prints itself is heard by ava.config.js.
 */

import { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { FastifyInstance } from "fastify";
import { canariesIn, describeCanary } from "./catalogue.ts";
import { type Searched, tellRun } from "./ledger.ts";
import { isMeant } from "./meant.ts";

/** @param place the test file, as a path from the project's folder */
export function listenForCanaries(place: () => string): void {
  const searched = { logLines: 0, replies: 0, childOutput: 0 } satisfies Partial<Searched>;

  const search = (text: string, source: string): void => {
    for (const canary of canariesIn(text)) {
      if (isMeant(place(), source, canary)) continue;
      tellRun({ found: `${place()}: ${source} holds ${describeCanary(canary)}: ${around(text, canary.value)}` });
    }
  };

  subscribe("tracing:pino_asJson:end", (message) => {
    if (!hasLine(message)) return;
    searched.logLines += 1;
    search(message.result, "a log line");
  });

  subscribe("child_process", (message) => {
    if (!hasChild(message)) return;
    const { process: child } = message;
    // Before it there are no streams, and nothing is read of them until after it.
    child.once("spawn", () => {
      for (const stream of [child.stdout, child.stderr]) {
        if (stream !== null) overhear(stream, (text) => search(text, `the output of ${nameOf(child)}`));
      }
    });
  });
  const overhear = (stream: Readable, hear: (text: string) => void): void => {
    const decoder = new StringDecoder();
    let rest = "";
    // A listener for "data" would make the stream flow before the test reads it.
    const push = stream.push.bind(stream);
    stream.push = (chunk: unknown, encoding): boolean => {
      const text = chunk instanceof Uint8Array ? decoder.write(Buffer.from(chunk)) : "";
      searched.childOutput += text.length;
      rest += text;
      // A chunk may end within a word, a line does not. The last one is null.
      const end = chunk === null ? rest.length : rest.lastIndexOf("\n") + 1;
      if (end > 0) hear(rest.slice(0, end));
      rest = rest.slice(end);
      return push(chunk, encoding);
    };
  };

  subscribe("fastify.initialization", (message) => {
    if (!hasServer(message)) return;
    message.fastify.addHook("onSend", async (request, reply, payload) => {
      if (typeof payload !== "string" && !Buffer.isBuffer(payload)) return payload;
      searched.replies += 1;
      const body = payload.toString();
      const isForAnybody = reply.statusCode >= 400 || request.url.startsWith("/webhooks");
      const isJson = String(reply.getHeader("content-type")).includes("json");
      const path = request.url.replace(/[?#].*/s, "");
      search(
        isForAnybody ? body : isJson ? errorsOf(body) : "",
        `the answer ${reply.statusCode} to ${request.method} ${path}`,
      );
      return payload;
    });
  });

  process.once("exit", () => tellRun({ searched }));
}

// What the channels say, as Node, pino and Fastify document it.

const hasLine = (message: unknown): message is { result: string } =>
  typeof message === "object" && message !== null && "result" in message && typeof message.result === "string";

const hasChild = (message: unknown): message is { process: ChildProcess } =>
  typeof message === "object" && message !== null && "process" in message && message.process instanceof ChildProcess;

const hasServer = (message: unknown): message is { fastify: FastifyInstance } =>
  typeof message === "object" && message !== null && "fastify" in message;

/** What GraphQL says went wrong. The rest of an answer is a person's own, who may see the numbers that they paid to. */
function errorsOf(body: string): string {
  if (!body.includes('"errors"')) return "";
  const answer: unknown = JSON.parse(body);
  return typeof answer === "object" && answer !== null && "errors" in answer ? JSON.stringify(answer.errors) : "";
}

/** How it was called: the program in a test's own arguments may be long. */
const nameOf = (child: ChildProcess): string => child.spawnargs.join(" ").slice(0, 200);

/** The canary before and after it. */
function around(text: string, value: string): string {
  const at = text.indexOf(value);
  return JSON.stringify(text.slice(Math.max(0, at - 120), at + value.length + 40).trim());
}
