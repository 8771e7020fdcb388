import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { parseEnvironment } from "../db/environment.ts";
import { canarySecret } from "../db/testing/canaries/catalogue.ts";
import { type ClonedDb, withClonedDb } from "../db/testing/database.ts";
import { parseKeyring } from "../tasks/@credentials/keyring.ts";
import { proveKeyring } from "../tasks/@credentials/prove_keyring.ts";
import { identityKeyOf } from "../tasks/@linking/identity_key.ts";
import { databaseFindings } from "./configuration/database_findings.ts";
import { environmentFindings } from "./configuration/environment_findings.ts";

const keys = `first:${canarySecret("base64")}`;
const hash = "ab".repeat(32);

/** Nothing is missing here. */
const complete = (databaseUrl: string) => ({
  DATABASE_URL: databaseUrl,
  TIDEMARK_ENCRYPTION_KEYS: keys,
  MONO_SECRET_KEY: "live_sk_mine",
  MONO_WEBHOOK_SECRET: "secret",
  MOMO_SUBSCRIPTION_KEY: "0123456789abcdef0123456789abcdef",
  JWT_SECRET: "a secret that is long enough for it".replaceAll(" ", "-"),
  TIDEMARK_SERVICE_TOKENS: `app:sha256:${hash}`,
  TIDEMARK_METRICS_TOKENS: `prometheus:sha256:${hash}`,
  PUBLIC_URL: "https://sync.example.com",
  ONESIGNAL_APP_ID: "0b1c9a4e-3a3b-4b55-9d0c-2f6f2d6c7e11",
  ONESIGNAL_API_KEY: "os_v2_app_mine",
});

/** The command as an operator runs it. */
function run(env: Record<string, string>, args: string[] = []): Promise<{ status: number | null; said: string }> {
  return new Promise((resolve) => {
    const script = join(import.meta.dirname, "check_config.ts");
    const options = { cwd: tmpdir(), env: { PATH: process.env["PATH"], ...env } };
    const child = execFile(process.execPath, [script, ...args], options, (_error, stdout, stderr) => {
      resolve({ status: child.exitCode, said: `${stdout}${stderr}` });
    });
  });
}

const small = { servers: 1, workers: 1, concurrency: 8, platforms: 2 };

async function findingsOf(
  cloned: ClonedDb,
  env: Record<string, string> = {},
  plan: Partial<typeof small> = {},
): Promise<string[]> {
  const environment = parseEnvironment({ ...complete(cloned.url), ...env });
  const found = await databaseFindings({ ...environment, DATABASE_URL: cloned.url }, { ...small, ...plan });
  return found.map(({ level, text }) => `${level}: ${text}`);
}

test("nothing set: what is needed is told, together, and the exit code is 1", async (t) => {
  const { status, said } = await run({});
  t.is(status, 1);
  for (const name of ["DATABASE_URL", "TIDEMARK_ENCRYPTION_KEYS", "MONO_SECRET_KEY"]) {
    t.regex(said, new RegExp(`^error .*${name}`, "m"));
  }
  t.regex(said, /^warning .*JWT_SECRET/m);
  t.regex(said, /^3 errors, \d+ warnings$/m);
});

test("a slip in the environment is an error by its name, without its value", async (t) => {
  const { status, said } = await run({ MONO_SECRT_KEY: "live_sk_slip" });
  t.is(status, 1);
  t.regex(said, /^error +MONO_SECRT_KEY is unknown: did you mean MONO_SECRET_KEY\?$/m);
  t.false(said.includes("live_sk_slip"));
});

test(
  "a complete environment and its database: no errors, exit code 0, and nothing was written",
  withClonedDb(async (t, cloned) => {
    const { status, said } = await run(complete(cloned.url));
    t.is(status, 0, said);
    t.regex(said, /^0 errors, 1 warnings$/m);
    t.regex(said, /^warning +mono has no daily cap of paid refreshes/m);
    const owner = await cloned.connect("app_owner");
    const { rowCount: checks } = await owner.query("select from app_private.key_checks");
    t.is(checks, 0, "the key is proved and not put down");
    t.is((await run(complete(cloned.url), ["--workers", "many"])).status, 2);
  }),
);

test("each variable that leaves something off is a warning, and none is one where all are set", (t) => {
  const full = complete("postgres://tidemark@localhost/app");
  t.deepEqual(environmentFindings(parseEnvironment(full)), []);
  const leavesOff = [
    "MONO_WEBHOOK_SECRET",
    "MOMO_SUBSCRIPTION_KEY",
    "JWT_SECRET",
    "TIDEMARK_SERVICE_TOKENS",
    "TIDEMARK_METRICS_TOKENS",
    "PUBLIC_URL",
  ];
  for (const name of leavesOff) {
    const found = environmentFindings(parseEnvironment({ ...full, [name]: "" }));
    t.deepEqual([found.length, found[0]?.level], [1, "warning"], name);
    t.regex(found[0]?.text ?? "", new RegExp(name));
  }
  const pushes = environmentFindings(parseEnvironment({ ...full, ONESIGNAL_APP_ID: "", ONESIGNAL_API_KEY: "" }));
  t.deepEqual([pushes.length, pushes[0]?.level], [1, "warning"], "one channel would do");
  t.regex(pushes[0]?.text ?? "", /ONESIGNAL_API_KEY.*VAPID_PRIVATE_KEY/);
  const test_key = environmentFindings(parseEnvironment({ ...full, MONO_SECRET_KEY: "test_sk_mine" }));
  t.regex(test_key[0]?.text ?? "", /test key/);
});

test(
  "the database's findings: pending migrations, another key, no quota, moved time, too few connections",
  withClonedDb(async (t, cloned) => {
    const owner = await cloned.connect("app_owner");
    await owner.query("update app_private.platforms set daily_refresh_cap = 100");
    t.deepEqual(await findingsOf(cloned), []);

    await proveKeyring(cloned.pool("app_worker"), parseKeyring(keys));
    t.deepEqual(await findingsOf(cloned), [], "the key that it was sealed with");
    const other = `first:${canarySecret("base64")}`;
    const [wrong, ...more] = await findingsOf(cloned, { TIDEMARK_ENCRYPTION_KEYS: other });
    t.regex(wrong ?? "", /^error: wrong encryption key/);
    t.deepEqual(more, []);
    await identityKeyOf(cloned.pool("app_worker"), parseKeyring(keys));
    const another = `another:${canarySecret("base64")}`;
    t.deepEqual(await findingsOf(cloned, { TIDEMARK_ENCRYPTION_KEYS: another }), [
      'error: wrong encryption key: TIDEMARK_ENCRYPTION_KEYS lacks the key "first", which sealed 1 secret of this database.',
    ]);

    await owner.query("update app_private.quotas set requests = null where platform_source = 'mono'");
    t.regex((await findingsOf(cloned)).join(), /^warning: mono has no quota/);
    await owner.query("update app_private.quotas set requests = 20 where platform_source = 'mono'");
    await owner.query("select app_private.set_clock(now() + interval '1 day')");
    t.regex((await findingsOf(cloned)).join(), /^warning: Business time is 864\d\d s away/);
    await owner.query("select app_private.set_clock(now())");

    t.regex(
      (await findingsOf(cloned, {}, { workers: 20, concurrency: 50 })).join(),
      /^error: 1 server\(s\) and 20 worker\(s\) with --concurrency 50 open up to 2215 connections, and max_connections/,
    );

    await owner.query("delete from app_private.migrations where name = '0009_unlinking'");
    t.deepEqual(await findingsOf(cloned), ["error: Migrations are pending: 0009_unlinking. Run npm run db:migrate."]);
    await owner.query(
      "insert into app_private.migrations (name, run_on) values ('0009_unlinking', now()), ('9999_next', now())",
    );
    t.deepEqual(await findingsOf(cloned), ["warning: The database is newer than this code: 9999_next."]);
  }),
);

test("a database that is not there, or refuses us, is told in a sentence", async (t) => {
  const databaseUrl = "postgres://nobody:wrong@127.0.0.1:1/none";
  const environment = parseEnvironment(complete(databaseUrl));
  t.deepEqual(await databaseFindings({ ...environment, DATABASE_URL: databaseUrl }, small), [
    { level: "error", text: "Postgres cannot be reached at DATABASE_URL: is it running, and is the address right?" },
  ]);
});
