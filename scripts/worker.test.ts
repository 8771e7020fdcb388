import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { getPriority } from "node:os";
import { join } from "node:path";
import test from "ava";
import { parseKeyring } from "../tasks/@credentials/keyring.ts";
import { linkNewAccount } from "../tasks/@linking/link_new_account.ts";
import { rowOf, valueOf } from "../db/testing/ask.ts";
import { canarySecret } from "../db/testing/canaries/catalogue.ts";
import { type ClonedDb, withClonedDb } from "../db/testing/database.ts";
import { startMonoSimulator } from "./simulators/mono/simulator.ts";

/** Real worker processes, as an operator starts and stops them. */

const newKeys = (): string => `test:${canarySecret("base64")}`;

type Started = { process: ChildProcess; output: () => string; ended: Promise<number | null> };

function startWorker(environment: Record<string, string>, ...args: string[]): Started {
  const child = spawn(process.execPath, [join(import.meta.dirname, "worker.ts"), ...args], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, "exit").then(([code]: (number | null)[]) => code ?? null);
  return { process: child, output: () => output, ended };
}

/** Links a bank account as the command line would, before any worker runs. */
async function linkBank(cloned: ClonedDb, keys: string, monoId: string): Promise<string> {
  const { accountId } = await linkNewAccount(cloned.pool("app_worker"), parseKeyring(keys), {
    userId: randomUUID(),
    platform: "mono",
    accountName: "Everyday",
    currency: "NGN",
    externalId: monoId,
    historyDays: 60,
  });
  return accountId;
}

const lastRun = (cloned: ClonedDb, accountId: string) =>
  cloned
    .connect("app_owner")
    .then((db) =>
      rowOf(db, "select * from app_public.sync_logs where account_id = $1 order by id desc limit 1", [accountId]),
    );

test(
  "SIGTERM in the middle of a run: gone within ten seconds, what was saved is kept, the run is interrupted and due at once",
  withClonedDb(async (t, cloned) => {
    const mono = await startMonoSimulator({ seed: t.title });
    const keys = newKeys();
    try {
      const monoId = mono.createAccount({ historyDays: 60, perWeek: 100, lateShare: 0 });
      const accountId = await linkBank(cloned, keys, monoId);
      // The first window is read and saved; the first page of another hangs.
      mono.addFault({ kind: "hang", match: { path: "/transactions" }, after: 3, times: 100 });
      const hanging = async (): Promise<void> => {
        for (let nth = 1; nth <= 4; nth += 1) await mono.nextRequest({ path: /transactions/ });
      };
      const reached = hanging();
      const worker = startWorker({
        DATABASE_URL: cloned.url,
        TIDEMARK_ENCRYPTION_KEYS: keys,
        MONO_BASE_URL: mono.url,
        MONO_SECRET_KEY: mono.secretKey,
      });
      await reached;
      const asked = performance.now();
      worker.process.kill("SIGTERM");
      t.is(await worker.ended, 0, worker.output());
      t.true(performance.now() - asked < 10_000);
      const run = await lastRun(cloned, accountId);
      t.like(run, { status: "failed", failure_kind: "interrupted" }, worker.output());
      const db = await cloned.connect("app_owner");
      t.like(
        await rowOf(
          db,
          "select failures, held_by, next_sync_at <= now() as due from app_private.sync_states where account_id = $1",
          [accountId],
        ),
        { failures: 0, held_by: null, due: true },
      );
      const saved = await valueOf(db, "select count(*)::int from app_public.transactions where account_id = $1", [
        accountId,
      ]);
      t.true(Number(saved) > 0);
      t.is(Number(run["new_count"]), Number(saved));
      t.is(await valueOf(db, "select count(*)::int from app_private.workers"), 0);
      t.is(await valueOf(db, "select count(*)::int from graphile_worker.jobs where locked_by is not null"), 0);
    } finally {
      await mono.close();
    }
  }),
);

test(
  "a worker of one platform leaves the other's jobs alone",
  withClonedDb(async (t, cloned) => {
    const mono = await startMonoSimulator({ seed: t.title });
    const keys = newKeys();
    try {
      await linkBank(cloned, keys, mono.createAccount({ historyDays: 5 }));
      const db = await cloned.connect("app_owner");
      await db.query("select graphile_worker.add_job('momo_sync', json_build_object('accountId', gen_random_uuid()))");
      await db.query("listen finished");
      await db.query(
        `create function app_private.test_tell() returns trigger language plpgsql security definer as $$ begin perform pg_notify('finished', ''); return null; end $$`,
      );
      await db.query(
        "create trigger test_tell after update of status on app_public.sync_logs for each row when (new.status = 'success') execute function app_private.test_tell()",
      );
      const finished = once(db, "notification");
      const worker = startWorker(
        {
          DATABASE_URL: cloned.url,
          TIDEMARK_ENCRYPTION_KEYS: keys,
          MONO_BASE_URL: mono.url,
          MONO_SECRET_KEY: mono.secretKey,
          MOMO_SUBSCRIPTION_KEY: "0123456789abcdef0123456789abcdef",
        },
        "--platform",
        "mono",
      );
      await finished;
      worker.process.kill("SIGTERM");
      t.is(await worker.ended, 0, worker.output());
      t.is(
        await valueOf(db, "select attempts::int from graphile_worker.jobs where task_identifier = 'momo_sync'"),
        0,
        "the other platform's job waits untouched",
      );
    } finally {
      await mono.close();
    }
  }),
);

test(
  "a wrong encryption key, a missing one, and an unknown platform: refused in a sentence, exit code 2",
  withClonedDb(async (t, cloned) => {
    const keys = newKeys();
    const good = { DATABASE_URL: cloned.url, TIDEMARK_ENCRYPTION_KEYS: keys };
    // Positive control, and what makes the database know the key.
    const first = startWorker(good);
    while (!first.output().includes("worker started")) await once(first.process.stdout ?? first.process, "data");
    first.process.kill("SIGTERM");
    t.is(await first.ended, 0, first.output());

    const wrong = startWorker({ ...good, TIDEMARK_ENCRYPTION_KEYS: newKeys() });
    t.is(await wrong.ended, 2);
    t.regex(wrong.output(), /wrong encryption key/);
    t.notRegex(wrong.output(), /at .*\.ts:\d+/, "a sentence, no stack");

    const missing = startWorker({ DATABASE_URL: cloned.url });
    t.is(await missing.ended, 2);
    t.regex(missing.output(), /TIDEMARK_ENCRYPTION_KEYS is not set/);

    const unknown = startWorker(good, "--platform", "paypal");
    t.is(await unknown.ended, 2);
    t.regex(unknown.output(), /--platform takes mono or mtn_momo/);

    const nowhere = startWorker({ ...good, DATABASE_URL: "postgres://nobody:x@127.0.0.1:1/none" });
    t.is(await nowhere.ended, 2);
    t.regex(nowhere.output(), /Postgres cannot be reached/);
  }),
);

test(
  "a worker yields to the machine's other processes, as far as it is told to",
  withClonedDb(async (t, cloned) => {
    const environment = { DATABASE_URL: cloned.url, TIDEMARK_ENCRYPTION_KEYS: newKeys() };
    const priorityOf = async (...args: string[]): Promise<number> => {
      const worker = startWorker(environment, ...args);
      const says = async (): Promise<void> => {
        while (!worker.output().includes("worker started")) await once(worker.process.stdout ?? worker.process, "data");
      };
      await Promise.race([says(), worker.ended]);
      const priority = getPriority(worker.process.pid);
      worker.process.kill("SIGTERM");
      t.is(await worker.ended, 0, worker.output());
      return priority;
    };
    // Whoever runs the tests may have lowered their priority already.
    t.is(await priorityOf(), Math.max(10, getPriority()));
    t.is(await priorityOf("--nice", "0"), getPriority());
    t.is(await priorityOf("--nice", "19"), 19);
  }),
);
