/** `npm start` as a newcomer meets it: from nothing to accounts that are up to date, Ctrl-C, and the next start. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { Client } from "pg";
import { listOf, valueOf } from "../db/testing/ask.ts";
import { canariesIn, canarySecret } from "../db/testing/canaries/catalogue.ts";
import { withClonedDb } from "../db/testing/database.ts";
import { readConnection } from "./connection.ts";

const READY = /Ctrl-C stops it\./;

/** As a terminal starts and ends it. What it says is waited for, however long that takes. */
type Start = {
  says: (what: RegExp) => Promise<void>;
  ended: Promise<number | null>;
  interrupt(): void;
  output(): string;
};

function npmStart(t: ExecutionContext, data: string, environment: Record<string, string> = {}): Start {
  const child = spawn(process.execPath, [join(import.meta.dirname, "start.ts")], {
    cwd: data,
    env: {
      PATH: process.env["PATH"],
      PORT: "0",
      TIDEMARK_DATA: data,
      PUBLIC_URL: "https://sync.example",
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let look = (): void => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      look();
    });
  }
  const ended = once(child, "close").then(() => child.exitCode);
  t.teardown(async () => {
    if (child.exitCode === null) child.kill("SIGTERM");
    await ended;
  });
  return {
    says: (what) =>
      new Promise((resolve, reject) => {
        look = () => {
          if (what.test(output)) resolve();
        };
        look();
        void ended.then(() => reject(new Error(`it ended without saying ${String(what)}:\n${output}`)));
      }),
    ended,
    interrupt: () => void child.kill("SIGINT"),
    output: () => output,
  };
}

async function dataFolder(t: ExecutionContext): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), "tidemark-start-"));
  // The embedded Postgres may run as another user, who must get in.
  await chmod(data, 0o755);
  t.teardown(() => rm(data, { recursive: true, force: true }));
  return data;
}

async function accountIds(data: string): Promise<unknown[]> {
  const connection = await readConnection(data);
  const client = new Client({ connectionString: connection?.databaseUrl });
  await client.connect();
  try {
    return await listOf(client, "select id from app_public.accounts order by id");
  } finally {
    await client.end();
  }
}

test("each platform is brought up to date, a second start beside it is refused, Ctrl-C ends it, and the next has the same accounts", async (t) => {
  t.timeout(900_000);
  const data = await dataFolder(t);
  const started = performance.now();
  const first = npmStart(t, data);
  await first.says(READY);
  for (const platform of ["Mono", "MTN MoMo API"]) {
    await first.says(new RegExp(`^  [\\d:]{8}  ${platform} +\\S.*  up to date: `, "m"));
    t.log(`${platform}: up to date after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }
  t.regex(first.output(), /^Starting Postgres and preparing the database …$/m);
  t.notRegex(first.output(), /^\s+at .*\.ts:\d+/m, "no stack");
  const ids = await accountIds(data);
  t.is(ids.length, 6);

  const beside = npmStart(t, data);
  t.is(await beside.ended, 2);
  t.regex(beside.output(), /^Tidemark runs here already, at http:\/\/localhost:\d+: stop it with Ctrl-C/m);
  t.notRegex(beside.output(), /^\s+at .*\.ts:\d+/m, "no stack");

  first.interrupt();
  t.is(await first.ended, 0, first.output());
  t.regex(first.output(), /^Stopping; data stays in /m);
  t.is(await readConnection(data), null);

  const next = npmStart(t, data);
  await next.says(READY);
  t.deepEqual(await accountIds(data), ids);
  next.interrupt();
  t.is(await next.ended, 0, next.output());
  const log = await readFile(join(data, "tidemark.log"), "utf8");
  t.regex(log, /run succeeded/);
  t.deepEqual(canariesIn(log), []);
});

test(
  "with a database of one's own there is no simulator, no demo user, and what has no keys says so",
  withClonedDb(async (t, cloned) => {
    t.timeout(900_000);
    const data = await dataFolder(t);
    const started = npmStart(t, data, {
      DATABASE_URL: cloned.url,
      TIDEMARK_ENCRYPTION_KEYS: `own:${canarySecret("base64")}`,
    });
    await started.says(READY);
    started.interrupt();
    t.is(await started.ended, 0, started.output());
    t.regex(started.output(), /^ {2}Mono +off: MONO_SECRET_KEY is not set$/m);
    t.regex(started.output(), /^ {2}MTN MoMo +off: MOMO_SUBSCRIPTION_KEY is not set$/m);
    t.notRegex(started.output(), /simulated|sync the banks again/);
    t.regex(started.output(), /^Stopping; data stays in your database$/m);
    t.deepEqual(
      (await readdir(data)).filter((name) => name !== "tidemark.log"),
      [],
    );
    const owner = await cloned.connect("app_owner");
    t.is(await valueOf(owner, "select count(*)::int from app_public.accounts"), 0);
  }),
);
