import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import test, { type ExecutionContext } from "ava";
import type { Client } from "pg";
import { z } from "zod";
import { listOf, valueOf } from "../db/testing/ask.ts";
import { canarySecret } from "../db/testing/canaries/catalogue.ts";
import { withClonedDb } from "../db/testing/database.ts";
import { parseKeyring } from "../tasks/@credentials/keyring.ts";
import { linkNewAccount } from "../tasks/@linking/link_new_account.ts";
import { startMonoSimulator } from "./simulators/mono/simulator.ts";
import { OneWorker } from "./soak/one_worker.ts";
import { compareBank } from "./soak/oracle.ts";

/**
 * An upgrade, and the way back, while workers are at work: this checkout is the old release, a copy of it with another
 * migration and changed verbs the new one. Real processes, a real migration, a real provider (simulated).
 */

const root = join(import.meta.dirname, "..");
const ACCOUNTS = 8;

/** A release as it would follow this one: what CONVENTIONS.md allows, all of it at once. */
async function nextRelease(t: ExecutionContext): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), "tidemark-next-"));
  t.teardown(() => rm(place, { recursive: true, force: true }));
  for (const part of ["db", "tasks", "scripts", "crontab", "package.json"]) {
    await cp(join(root, part), join(place, part), { recursive: true });
  }
  await symlink(join(root, "node_modules"), join(place, "node_modules"));
  const change = async (path: string, before: string | RegExp, after: string): Promise<void> => {
    const file = join(place, path);
    const text = await readFile(file, "utf8");
    t.regex(text, before instanceof RegExp ? before : new RegExp(before.replace(/[$()[\]*.?|]/g, "\\$&")), path);
    await writeFile(file, text.replace(before, after));
  };
  // Tables gain columns and an index, also those that every run writes.
  await writeFile(
    join(place, "db/migrations/9990_next_release.sql"),
    `alter table app_public.sync_logs add column next_release_note text;
     alter table app_private.sync_states add column next_release_number integer not null default 0;
     create index sync_states_next_release_idx on app_private.sync_states (next_release_number) where next_release_number > 0;`,
  );
  // A verb gains a parameter at its end, with a default: the old form is dropped, and old workers call the new one.
  await change(
    "db/functions/beat.sql",
    "p_jobs bigint[] default null)",
    "p_jobs bigint[] default null, p_release text default null)",
  );
  await change(
    "db/policies/app_private.sql",
    "app_private.beat(text, text, uuid[], bigint[])",
    "app_private.beat(text, text, uuid[], bigint[], text)",
  );
  await change("db/queries/workers.ts", "app_private.beat($1, $2, $3, $4)", "app_private.beat($1, $2, $3, $4, 'next')");
  // A result gains a column; the function has to be made anew for it.
  await change("db/functions/list_key_checks.sql", "sealed bytea)", "sealed bytea, release text)");
  await change("db/functions/list_key_checks.sql", "select k.key_id, k.sealed", "select k.key_id, k.sealed, 'next'");
  // A payload gains an optional key.
  await change("tasks/@worker/payloads.ts", "dispatchId: z", "nextRelease: z.string().optional(),\n    dispatchId: z");
  return place;
}

/**
 * What a release says that meets a schema or an answer it does not know: Postgres' class 42, its internal errors, an answer that cannot be
 * parsed. An account that two jobs want at the same moment, or a job that a stop cut off, is none of it.
 */
const incompatible = z.looseObject({
  err: z.union([
    z.looseObject({ code: z.string().regex(/^(?:42|XX)/) }),
    z.looseObject({ name: z.literal("ZodError") }),
    z.looseObject({ message: z.string().regex(/does not exist|cache lookup failed/) }),
  ]),
});

/** Adds a job an account whenever the queue is short, so that no worker is ever without work. */
function keepBusy(db: Client): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const add = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await db.query(
        `select graphile_worker.add_job('mono_sync', json_build_object('accountId', a.id), job_key => 'busy:' || a.id, max_attempts => 1)
         from app_public.accounts a
         where (select count(*) from graphile_worker._private_jobs) < 4`,
      );
      // As long as a turn of the queue takes; Postgres waits, so that no test does.
      await db.query("select pg_sleep(0.05)");
    }
  };
  const adding = add();
  return {
    async stop() {
      stopping.abort();
      await adding;
    },
  };
}

test(
  "old and new workers side by side over a migration, and back: every account stays in sync, nothing is lost or doubled",
  withClonedDb(async (t, cloned) => {
    t.timeout(900_000);
    const next = await nextRelease(t);
    const mono = await startMonoSimulator({ seed: t.title });
    const keys = `test:${canarySecret("base64")}`;
    const environment = {
      DATABASE_URL: cloned.url,
      TIDEMARK_ENCRYPTION_KEYS: keys,
      MONO_BASE_URL: mono.url,
      MONO_SECRET_KEY: mono.secretKey,
    };
    const owner = await cloned.connect("app_owner");
    const jobs = await cloned.connect("app_owner");
    await owner.query("update app_private.quotas set requests = 1000");
    const accounts: { accountId: string; monoId: string }[] = [];
    for (let n = 0; n < ACCOUNTS; n += 1) {
      // Nothing happens there by itself: what is compared in the end must not have happened after the last sync.
      const monoId = mono.createAccount({ historyDays: 60, perWeek: 0 });
      for (let days = 1; days <= 25; days += 1) {
        const date = new Date(Date.now() - days * 86_400_000).toISOString();
        mono.addTransaction(monoId, { amount: 100 * (n * 100 + days), date, narration: `day ${days}` });
      }
      const { accountId } = await linkNewAccount(cloned.pool("app_worker"), parseKeyring(keys), {
        userId: randomUUID(),
        platform: "mono",
        accountName: "Everyday",
        currency: "NGN",
        externalId: monoId,
        historyDays: 30,
      });
      accounts.push({ accountId, monoId });
    }
    const workers: OneWorker[] = [];
    const start = async (release: string): Promise<OneWorker> => {
      const worker = new OneWorker({ environment, release, args: ["--platform", "mono", "--concurrency", "2"] });
      workers.push(worker);
      await worker.says("worker started");
      return worker;
    };
    const complaints = () => workers.flatMap(({ said }) => said.filter((line) => incompatible.safeParse(line).success));
    const all = () => workers.map((worker, n) => `worker ${n}: ${worker.lines.slice(-4).join("\n  ")}`).join("\n");
    const old = await start(root);
    const busy = keepBusy(jobs);
    try {
      await old.succeeds(ACCOUNTS);

      // The upgrade: first the database, while the old worker is at work …
      await promisify(execFile)(process.execPath, [join(next, "scripts/db_migrate.ts")], {
        cwd: next,
        env: { PATH: process.env["PATH"], ...environment },
      });
      t.is(
        await valueOf(owner, "select count(*)::int from app_private.migrations where name = '9990_next_release'"),
        1,
      );
      await old.succeeds(ACCOUNTS);
      // What was called in the very moment of the change may have failed, once; from here on nothing may.
      const whileMigrating = complaints().length;
      // … then a new worker beside it …
      const newer = await start(next);
      await Promise.all([old.succeeds(ACCOUNTS), newer.succeeds(ACCOUNTS)]);
      // … then the old one goes.
      t.is(await old.stop(), 0, all());
      await newer.succeeds(ACCOUNTS);

      // The way back: an old worker starts against the newer schema, and the new one goes.
      const back = await start(root);
      await Promise.all([back.succeeds(ACCOUNTS), newer.succeeds(ACCOUNTS)]);
      t.is(await newer.stop(), 0, all());
      await back.succeeds(ACCOUNTS);
      t.deepEqual(complaints().slice(whileMigrating), []);
      await busy.stop();
      t.is(await back.stop(), 0, all());
    } finally {
      await busy.stop();
      for (const worker of workers) await worker.kill();
      await mono.close();
    }

    // What was cut off by a stop was handed back; nothing failed for any other reason.
    t.deepEqual(
      await listOf(owner, "select distinct failure_kind from app_public.sync_logs where failure_kind <> 'interrupted'"),
      [],
    );
    t.is(await valueOf(owner, "select count(*)::int from app_public.sync_logs where status = 'in_progress'"), 0);
    const since = new Date(Date.now() - 29 * 86_400_000).toISOString().slice(0, 10);
    for (const { accountId, monoId } of accounts) {
      t.deepEqual(await compareBank(owner, accountId, mono.truth(monoId), since), {
        missing: [],
        duplicated: [],
        different: [],
      });
      t.is(mono.truth(monoId).transactions.length, 25);
    }
  }),
);
