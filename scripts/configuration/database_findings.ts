import { Client, type Pool } from "pg";
import { z } from "zod";
import { parseEncryptionKeys } from "../../db/encryption_keys.ts";
import type { Environment } from "../../db/environment.ts";
import { knownMigrations } from "../../db/migrate.ts";
import { pgPool } from "../../db/pool.ts";
import { appliedMigrations } from "../../db/queries/dispatch.ts";
import { readGauges } from "../../db/queries/gauges.ts";
import { row } from "../../db/queries/rows.ts";
import { CredentialError } from "../../tasks/@credentials/credential_error.ts";
import { parseKeyring } from "../../tasks/@credentials/keyring.ts";
import { examineKeyring } from "../../tasks/@credentials/prove_keyring.ts";
import { SERVER_CONNECTIONS } from "../../server/connections.ts";
import { poolSize } from "../../tasks/@worker/pool_size.ts";
import { sentenceFor } from "../usage.ts";
import { error, type Finding, warning } from "./finding.ts";

/** What is to run beside each other. */
export type Plan = {
  servers: number;
  workers: number;
  /** Jobs at once, for each platform, as `npm run worker -- --concurrency`. */
  concurrency: number;
  platforms: number;
};

/** What the database lacks for this environment and this plan. Nothing is written, and no worker is started. */
export async function databaseFindings(
  environment: Environment & { DATABASE_URL: string },
  plan: Plan,
): Promise<Finding[]> {
  const { DATABASE_URL: databaseUrl } = environment;
  try {
    const findings = await serverFindings(databaseUrl, plan);
    if (findings.some(({ level }) => level === "error")) return findings;
    findings.push(...(await migrationFindings(databaseUrl)));
    // Asking an older schema what only a newer one knows would tell of the same thing in a worse way.
    if (findings.some(({ level }) => level === "error")) return findings;
    return [...findings, ...(await asWorker(databaseUrl, (db) => workerFindings(db, environment)))];
  } catch (thrown) {
    const sentence = sentenceFor(thrown);
    if (sentence === null) throw thrown;
    return [error(sentence)];
  }
}

const settings = z.object({
  version: z.number(),
  max_connections: z.number(),
  reserved: z.number(),
  login_limit: z.number(),
  database_limit: z.number(),
});

async function serverFindings(databaseUrl: string, plan: Plan): Promise<Finding[]> {
  const client = new Client({ connectionString: databaseUrl, application_name: "tidemark check:config" });
  await client.connect();
  try {
    const found = await row(
      client,
      settings,
      `select current_setting('server_version_num')::int as version,
         current_setting('max_connections')::int as max_connections,
         current_setting('superuser_reserved_connections')::int as reserved,
         (select rolconnlimit from pg_roles where rolname = session_user) as login_limit,
         (select datconnlimit from pg_database where datname = current_database()) as database_limit`,
      [],
    );
    const findings: Finding[] = [];
    if (found.version < 150_000) {
      findings.push(error(`Postgres ${Math.floor(found.version / 10_000)} is too old: Tidemark needs 15 or newer.`));
    }
    return [...findings, ...connectionFindings(found, plan)];
  } finally {
    await client.end();
  }
}

/**
 * Every pool is as large as its process needs (jobs at once, and some for heartbeats and the queue), so what can be too small is
 * what Postgres lets in: then jobs that hold an account wait for a connection that another one holds.
 */
function connectionFindings(found: z.infer<typeof settings>, plan: Plan): Finding[] {
  const wanted = plan.workers * poolSize(plan.concurrency * plan.platforms) + plan.servers * SERVER_CONNECTIONS;
  const limits = [
    { what: "max_connections, less those reserved for superusers,", limit: found.max_connections - found.reserved },
    { what: "the login's connection limit", limit: found.login_limit },
    { what: "the database's connection limit", limit: found.database_limit },
  ].filter(({ limit }) => limit >= 0);
  const plans =
    `${plan.servers} server(s) and ${plan.workers} worker(s) with --concurrency ${plan.concurrency} ` +
    `open up to ${wanted} connections`;
  return limits.flatMap(({ what, limit }) => {
    if (wanted > limit) return [error(`${plans}, and ${what} allows ${limit}: raise it, or lower --concurrency.`)];
    if (wanted > 0.8 * limit)
      return [warning(`${plans}, and ${what} allows ${limit}: little is left for anybody else.`)];
    return [];
  });
}

async function migrationFindings(databaseUrl: string): Promise<Finding[]> {
  const db = pgPool({ databaseUrl, role: "app_authenticator", max: 1, name: "tidemark check:config" });
  try {
    const [known, applied] = [await knownMigrations(), await appliedMigrations(db)];
    const pending = known.filter((name) => !applied.includes(name));
    const newer = applied.filter((name) => !known.includes(name));
    return [
      ...(pending.length === 0
        ? []
        : [error(`Migrations are pending: ${pending.join(", ")}. Run npm run db:migrate.`)]),
      ...(newer.length === 0 ? [] : [warning(`The database is newer than this code: ${newer.join(", ")}.`)]),
    ];
  } finally {
    await db.end();
  }
}

async function asWorker(databaseUrl: string, find: (db: Pool) => Promise<Finding[]>): Promise<Finding[]> {
  const db = pgPool({ databaseUrl, role: "app_worker", max: 1, name: "tidemark check:config" });
  try {
    return await find(db);
  } finally {
    await db.end();
  }
}

async function workerFindings(db: Pool, environment: Environment): Promise<Finding[]> {
  const findings = await keyFindings(db, environment);
  const { off } = await row(
    db,
    z.object({ off: z.number() }),
    "select abs(extract(epoch from app_private.clock() - clock_timestamp()))::float8 as off",
    [],
  );
  if (off > 60) {
    findings.push(warning(`Business time is ${Math.round(off)} s away from the clock: it was moved, as for a test.`));
  }
  const gauges = await readGauges(db);
  const isTold = (gauge: string, platform: string): boolean =>
    gauges.some((told) => told.gauge === gauge && told.labels["platform"] === platform);
  const platforms = [
    { platform: "mono", key: environment.MONO_SECRET_KEY, isPaid: true },
    { platform: "mtn_momo", key: environment.MOMO_SUBSCRIPTION_KEY, isPaid: false },
  ];
  for (const { platform, key, isPaid } of platforms) {
    if (key === undefined) continue;
    if (!isTold("quota_requests_per_second", platform)) {
      findings.push(warning(`${platform} has no quota: nothing keeps us under the provider's limit.`));
    }
    if (isPaid && !isTold("refresh_cap", platform)) {
      findings.push(warning(`${platform} has no daily cap of paid refreshes: app_admin.change_refresh_cap sets one.`));
    }
  }
  return findings;
}

async function keyFindings(db: Pool, { TIDEMARK_ENCRYPTION_KEYS: text }: Environment): Promise<Finding[]> {
  if (text === undefined) return [];
  const findings: Finding[] = [];
  try {
    await examineKeyring(db, parseKeyring(text));
  } catch (thrown) {
    if (!(thrown instanceof CredentialError)) throw thrown;
    findings.push(error(`${thrown.message}.`));
  }
  if (parseEncryptionKeys(text).length > 1) {
    findings.push(warning("TIDEMARK_ENCRYPTION_KEYS has more than one key: a rotation ends with npm run rotate-keys."));
  }
  return findings;
}
