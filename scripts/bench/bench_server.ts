import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { SignJWT } from "jose";
import { z } from "zod";

const root = join(import.meta.dirname, "../..");

/** The real server, `scripts/server.ts`, in a process of its own, and people who may ask it. */
export type BenchServer = {
  url: string;
  tokenOf(userId: string): Promise<string>;
  /** Sends one of the page's own operations and answers its data. Throws what the API says went wrong. */
  ask(operation: string, variables: Record<string, unknown>, token: string): Promise<unknown>;
  /** The page's own operations. */
  document: string;
  stop(): Promise<void>;
};

const started = /"url":"([^"]+)"/;
const answer = z.object({ data: z.unknown(), errors: z.array(z.object({ message: z.string() })).optional() });

export async function startBenchServer(environment: Record<string, string>): Promise<BenchServer> {
  const secret = randomBytes(32).toString("base64url");
  const logFile = join(tmpdir(), `tidemark-bench-${randomUUID()}.log`);
  const log = await open(logFile, "w");
  const child = spawn(process.execPath, [join(root, "scripts/server.ts")], {
    // No .env of whoever runs the bench.
    cwd: import.meta.dirname,
    env: { PATH: process.env["PATH"], ...environment, PORT: "0", JWT_SECRET: secret },
    stdio: ["ignore", log.fd, log.fd],
  });
  await log.close();
  process.once("exit", () => child.kill("SIGKILL"));
  const url = await untilStarted(child, logFile);
  const document = await readFile(join(root, "server/web/page/graphql/operations.graphql"), "utf8");
  return {
    url,
    document,
    tokenOf: (userId) =>
      new SignJWT({ role: "authenticated", aud: "authenticated" })
        .setProtectedHeader({ alg: "HS256" })
        .setSubject(userId)
        .setIssuedAt()
        .setExpirationTime("1 hour")
        .sign(new TextEncoder().encode(secret)),
    async ask(operationName, variables, token) {
      const reply = await fetch(`${url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: document, operationName, variables }),
      });
      const { data, errors } = answer.parse(await reply.json());
      if (errors?.[0] !== undefined) throw new Error(`The API refused ${operationName}: ${errors[0].message}`);
      return data;
    },
    async stop() {
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await gone;
      await rm(logFile);
    },
  };
}

async function untilStarted(child: ChildProcess, logFile: string): Promise<string> {
  for (let waited = 0; ; waited += 1) {
    const said = await readFile(logFile, "utf8");
    const line = said.split("\n").find((one) => one.includes('"server started"'));
    const url = started.exec(line ?? "")?.[1];
    if (url !== undefined) return url;
    if (child.exitCode !== null || waited > 3_000) throw new Error(`The server did not start: ${said.slice(-2_000)}`);
    await pause(20);
  }
}
