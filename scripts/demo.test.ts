import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { parseEnvironment } from "../db/environment.ts";
import { rowOf, rowsOf, valueOf } from "../db/testing/ask.ts";
import { withClonedDb } from "../db/testing/database.ts";
import { writeConnection } from "./connection.ts";
import { type RunningAccount, RunningDemo } from "./demo/running_demo.ts";
import { thingsToTry } from "./demo/things_to_try.ts";
import { openStage, type Stage } from "./soak/stage.ts";

const SESSION_MS = 5 * 60_000;

async function dataFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-demo-"));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

/** The command as a person types it. */
const command = (data: string, ...args: string[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const script = join(import.meta.dirname, "demo.ts");
    const options = { env: { PATH: process.env["PATH"], TIDEMARK_DATA: data }, cwd: data };
    execFile(process.execPath, [script, ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, output: stdout + stderr });
    });
  });

type Scene = {
  stage: Stage;
  data: string;
  demo: RunningDemo;
  bank: string;
  wallet: string;
  /** Does one of the things to an account, then all that follows from it at this moment; answers what is told. */
  tryOut: (what: string, accountId: string) => Promise<string>;
};

/** A demo as `npm start` leaves it: a bank and a wallet with a statement, synced, and asked by nobody for five minutes. */
const withDemo = (body: (t: ExecutionContext, scene: Scene) => Promise<void>) =>
  withClonedDb(async (t, cloned) => {
    const data = await dataFolder(t);
    const stage = await openStage({
      databaseUrl: cloned.url,
      seed: "demo",
      startAt: Date.parse("2026-03-10T09:00:00Z"),
    });
    let demo: RunningDemo | undefined;
    try {
      const { accountId: bank } = await stage.linkBank({ institution: "GTBank" }, { historyDays: 20 });
      const { accountId: wallet } = await stage.linkWallet({}, { statement: true, historyDays: 20 });
      await stage.owner.query("update app_public.accounts set institution = 'GTBank' where id = $1", [bank]);
      await writeConnection(data, {
        databaseUrl: cloned.url,
        serverUrl: "http://127.0.0.1:1",
        monoUrl: stage.mono.url,
        momoUrl: stage.momo.url,
      });
      await stage.drain();
      await stage.advance(SESSION_MS);
      demo = await RunningDemo.open(parseEnvironment({ TIDEMARK_DATA: data }));
      const running = demo;
      await body(t, {
        stage,
        data,
        demo,
        bank,
        wallet,
        async tryOut(what, accountId) {
          const account = (await running.accounts()).find(({ id }) => id === accountId);
          const lines = await thingsToTry[what]?.run(running, account ?? fail(accountId));
          await stage.drain();
          return lines?.join("\n") ?? "";
        },
      });
    } finally {
      await demo?.close();
      await stage.close();
    }
  });

const fail = (accountId: string): RunningAccount => {
  throw new Error(`no account ${accountId}`);
};

const lastRun = (stage: Stage, accountId: string) =>
  rowOf(stage.owner, "select * from app_public.sync_logs where account_id = $1 order by id desc limit 1", [accountId]);
const statusOf = (stage: Stage, accountId: string) =>
  valueOf(stage.owner, "select sync_status from app_public.accounts where id = $1", [accountId]);

test("where nothing runs, the list is shown all the same, and anything else says what to do", async (t) => {
  const data = await dataFolder(t);
  const list = await command(data);
  t.is(list.code, 0);
  for (const name of Object.keys(thingsToTry)) t.true(list.output.includes(`  ${name} `), name);
  t.regex(list.output, /Nothing runs here: start `npm start` in another terminal/);
  t.deepEqual(await command(data, "expire-consent"), {
    code: 2,
    output: "Nothing runs here: start `npm start` in another terminal, and try again.\n",
  });
  const unknown = await command(data, "explode");
  t.is(unknown.code, 2);
  t.regex(unknown.output, /^There is no "explode" to try; there is expire-consent, /);
});

test("what was left behind by a start that is gone, or talks to real providers, is told in a sentence", async (t) => {
  const data = await dataFolder(t);
  const url = "http://127.0.0.1:1";
  await writeConnection(data, {
    databaseUrl: "postgres://x@127.0.0.1:1/x",
    serverUrl: url,
    monoUrl: url,
    momoUrl: url,
  });
  const gone = await command(data, "expire-consent");
  t.is(gone.code, 2);
  t.regex(gone.output, /^The `npm start` of .* does not answer: is it still running\? Start it again\.\n$/);
});

test.serial(
  "accounts are listed, chosen by id or name, and refused in words",
  withDemo(async (t, { data, bank, wallet }) => {
    const list = await command(data);
    t.true(list.output.includes(`  ${bank}  bank`));
    t.true(list.output.includes(`  ${wallet}  wallet`));
    t.regex((await command(data, "expire-consent", wallet)).output, /^That cannot be done to .*; it can to bank /);
    t.regex(
      (await command(data, "expire-consent", "Nobody's")).output,
      /^There is no account "Nobody's"; there is bank /,
    );
    t.regex(
      (await command(data, "quick-provider", bank.toUpperCase())).output,
      /^[0-9a-f-]+ {2}bank .*\n {2}A refresh /,
    );
  }),
);

test.serial(
  "no real provider is ever asked",
  withDemo(async (t, { stage, data, bank }) => {
    await writeConnection(data, {
      databaseUrl: String(stage.login.options.connectionString),
      serverUrl: "http://127.0.0.1:1",
      monoUrl: "https://api.withmono.com",
      momoUrl: stage.momo.url,
    });
    const { code, output } = await command(data, "expire-consent", bank);
    t.is(code, 2);
    t.regex(output, /talks to the real Mono; only a simulator does such things on demand\./);
  }),
);

test.serial(
  "a consent ends, and is renewed",
  withDemo(async (t, { stage, bank, tryOut }) => {
    // Nobody listens to Mono's webhooks here: server/reauthentication/loop.test.ts goes the whole way.
    const consent = () => stage.mono.state().accounts.map(({ consentExpired }) => consentExpired);
    const events = () => stage.mono.events().map(({ name }) => name);
    t.regex(await tryOut("expire-consent", bank), new RegExp(`renew-consent ${bank}`));
    t.deepEqual(consent(), [true]);
    t.true(events().includes("mono.events.reauthorisation_required"));
    await tryOut("renew-consent", bank);
    t.deepEqual(consent(), [false]);
    t.true(events().includes("mono.events.account_reauthorized"));
  }),
);

test.serial(
  "a late posting arrives at once, in a bank as in a wallet",
  withDemo(async (t, { stage, bank, wallet, tryOut }) => {
    for (const account of [bank, wallet]) {
      await tryOut("late-posting", account);
      const rows = await rowsOf(
        stage.owner,
        "select occurred_on::text from app_public.transactions where account_id = $1 and amount = 99.95",
        [account],
      );
      t.deepEqual(rows, [{ occurred_on: "2026-03-08" }]);
    }
  }),
);

test.serial(
  "a bank goes down and comes back; a slow one lets the run wait, until it is quick again",
  withDemo(async (t, { stage, bank, tryOut }) => {
    await tryOut("bank-down", bank);
    t.like(await lastRun(stage, bank), { status: "failed", failure_kind: "transient" });
    await stage.advance(SESSION_MS);
    await tryOut("bank-up", bank);
    t.like(await lastRun(stage, bank), { status: "success" });
    await stage.advance(SESSION_MS);
    await tryOut("slow-provider", bank);
    t.like(await lastRun(stage, bank), { status: "in_progress" });
    await stage.advance(40_000);
    await stage.drain();
    t.like(await lastRun(stage, bank), { status: "success" });
    await stage.advance(SESSION_MS);
    await tryOut("quick-provider", bank);
    await stage.owner.query("select app_private.request_account_sync($1)", [bank]);
    await stage.drain();
    t.like(await lastRun(stage, bank), { status: "success" });
  }),
);

test.serial(
  "a rotated key is renewed; a revoked wallet needs its owner until it is restored",
  withDemo(async (t, { stage, wallet, tryOut }) => {
    await tryOut("rotate-key", wallet);
    t.like(await lastRun(stage, wallet), { status: "success" });
    await tryOut("revoke-wallet", wallet);
    t.is(await statusOf(stage, wallet), "auth_required");
    await tryOut("restore-wallet", wallet);
    t.is(await statusOf(stage, wallet), "active");
  }),
);
