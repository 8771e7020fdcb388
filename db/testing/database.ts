/**
 * Databases for tests, on a real Postgres.
 *
 *   test("…", withDb(async (t, db) => …));             a transaction, rolled back: for most
 *   test("…", withClonedDb(async (t, cloned) => …));   a database of its own: for commits, NOTIFY, several sessions
 *   test("…", twoSessions(async (t, a, b) => …));      two of its sessions, to step a race by hand
 *
 * What is opened here is closed here, and a test that leaves something open is red. So is one that stores a secret, an account
 * number or a telephone number where none is meant to be: each database and transaction is searched when its test is over.
 */

import { randomBytes } from "node:crypto";
import test, { type ExecutionContext } from "ava";
import { Client, DatabaseError, type Pool } from "pg";
import { z } from "zod";
import { columnTypes } from "../column_types.ts";
import { type Role, pgPool } from "../pool.ts";
import { tellRun } from "./canaries/ledger.ts";
import { storedCanaries } from "./canaries/stored.ts";
import { asMigratorUrl, databaseUrl, ensureTemplate, migrator } from "./template.ts";

/** A database of one test's own. */
export type ClonedDb = {
  /** As the migrator, who owns the database and may become every role of ours. */
  url: string;
  /** A pool for production code. Closed after the test; a client still checked out then makes the test red. */
  pool(role?: Role): Pool;
  /** One session, of `role` or the migrator. Closed after the test. */
  connect(role?: Role): Promise<Client>;
};

/** SQLSTATE: the transaction was aborted by an error. */
const IN_FAILED_TRANSACTION = "25P02";

/** Sessions a pool may open: enough for every worker of a test, far below the server's 300. */
const poolSize = 20;

/**
 * Runs the test in a transaction that is rolled back, as the owner of the schema (`asUser` and the others change that).
 * Tests of one file share one database and run one after another, so that none waits for another's locks.
 */
export function withDb(
  body: (t: ExecutionContext, db: Client) => void | Promise<void>,
): (t: ExecutionContext) => Promise<void> {
  return (t) => {
    const turn = lastTurn.then(() => inTransaction(t, body));
    // The next test has its turn whether this one is red or green; AVA hears of a failure through `turn`.
    lastTurn = turn.catch(() => undefined);
    return turn;
  };
}

/** Runs the test on a copy of the template (about 30 ms) and drops the copy. */
export function withClonedDb(
  body: (t: ExecutionContext, cloned: ClonedDb) => void | Promise<void>,
): (t: ExecutionContext) => Promise<void> {
  return async (t) => {
    const database = await cloneTemplate();
    const pools: Pool[] = [];
    const clients: Client[] = [];
    const url = asMigratorUrl(serverUrl(), database);
    try {
      await body(t, {
        url,
        pool(role) {
          const name = `${t.title} (pool)`;
          const pool = pgPool({ databaseUrl: url, max: poolSize, name, ...(role === undefined ? {} : { role }) });
          pools.push(pool);
          return pool;
        },
        async connect(role) {
          const client = await openSession(database, role);
          clients.push(client);
          return client;
        },
      });
    } finally {
      const leaks = await closeAll(pools, clients);
      leaks.push(...(await sessionsOn(database)));
      leaks.push(...(await canariesOf(database)));
      await dropDatabase(database);
      failWith(t, leaks);
    }
  };
}

/** Two sessions of the schema's owner on a database of their own, neither in a transaction. */
export function twoSessions(
  body: (t: ExecutionContext, a: Client, b: Client, cloned: ClonedDb) => void | Promise<void>,
): (t: ExecutionContext) => Promise<void> {
  return withClonedDb(async (t, cloned) => {
    await body(t, await cloned.connect("app_owner"), await cloned.connect("app_owner"), cloned);
  });
}

/** The tests of this file take turns in withDb. */
let lastTurn: Promise<void> = Promise.resolve();

/** Cloned for the first withDb of this file. */
let fileDatabase: Promise<string> | undefined;

test.after.always("the file's database is dropped", async (t) => {
  // Where it could not be made, each test has said why.
  const database = await fileDatabase?.catch(() => undefined);
  if (database === undefined) return;
  const found = await canariesOf(database);
  await dropDatabase(database);
  failWith(t, found);
});

async function inTransaction(
  t: ExecutionContext,
  body: (t: ExecutionContext, db: Client) => void | Promise<void>,
): Promise<void> {
  fileDatabase ??= cloneTemplate();
  const db = await openSession(await fileDatabase, "app_owner");
  try {
    await db.query("begin");
    await body(t, db);
    failWith(t, await canariesInTransaction(db));
    await db.query("rollback");
  } finally {
    await db.end();
  }
}

/** The first failure ends a test, so all go into one. */
function failWith(t: ExecutionContext, findings: string[]): void {
  if (findings.length > 0) t.fail(findings.join("\n"));
}

async function openSession(database: string, role?: Role): Promise<Client> {
  const client = new Client({
    connectionString: asMigratorUrl(serverUrl(), database),
    application_name: "test session",
    types: columnTypes,
    ...(role === undefined ? {} : { options: `-c role=${role}` }),
  });
  await client.connect();
  return client;
}

/** Closes all and says what the test left in use. A pool whose client is still out would never end: its clients are cut. */
async function closeAll(pools: Pool[], clients: Client[]): Promise<string[]> {
  const leaks: string[] = [];
  for (const pool of pools) {
    const used = pool.totalCount - pool.idleCount;
    if (used > 0) leaks.push(`${used} client(s) of a pool were not released`);
    if (pool.waitingCount > 0) leaks.push(`${pool.waitingCount} quer(ies) still wait for a client of a pool`);
    if (used === 0 && !pool.ended) await pool.end();
  }
  await Promise.all(clients.map((client) => client.end()));
  return leaks;
}

const sessions = z.object({ rows: z.array(z.object({ application_name: z.string(), query: z.string() })) });

/** Sessions that somebody else opened and nobody closed. A closed one needs a moment to leave, so they get a second. */
async function sessionsOn(database: string): Promise<string[]> {
  return onServer(async (server) => {
    for (let look = 1; ; look += 1) {
      const { rows } = sessions.parse(
        await server.query(
          "select application_name, query, pg_sleep(0.02) from pg_stat_activity where datname = $1 and backend_type = 'client backend'",
          [database],
        ),
      );
      if (rows.length === 0) return [];
      if (look === 50)
        return rows.map((row) => `A session was left open: ${row.application_name}, last query: ${row.query}`);
    }
  });
}

/** As the superuser, from whom row level security hides nothing. */
async function canariesOf(database: string): Promise<string[]> {
  const found = await onServer(async (server) => {
    // A session that was left open may hold a lock for ever; that it was left has been told.
    await server.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    );
    return storedCanaries(server);
  }, database);
  tellRun({ searched: { databasesSearched: 1 } });
  return found;
}

/** What is about to be rolled back, read by the login, who owns it all whatever role the test has ended in. */
async function canariesInTransaction(db: Client): Promise<string[]> {
  try {
    await db.query("set local role none");
  } catch (error) {
    // A test may end in a transaction that an error has aborted; then nothing is left to be read.
    if (error instanceof DatabaseError && error.code === IN_FAILED_TRANSACTION) return [];
    throw error;
  }
  const found = await storedCanaries(db);
  tellRun({ searched: { transactionsSearched: 1 } });
  return found;
}

async function cloneTemplate(): Promise<string> {
  const template = await ensureTemplate(serverUrl());
  const database = `test_${randomBytes(6).toString("hex")}`;
  await onServer((server) => server.query(`create database ${database} owner ${migrator} template ${template}`));
  tellRun({ searched: { databasesMade: 1 } });
  return database;
}

async function dropDatabase(database: string): Promise<void> {
  await onServer((server) => server.query(`drop database ${database} with (force)`));
}

/** As the superuser, outside of every test database unless told. */
async function onServer<Result>(body: (server: Client) => Promise<Result>, database = "postgres"): Promise<Result> {
  const server = new Client({
    connectionString: databaseUrl(serverUrl(), database),
    application_name: "test server",
  });
  await server.connect();
  try {
    return await body(server);
  } finally {
    await server.end();
  }
}

function serverUrl(): string {
  const url = process.env.TEST_DATABASE_URL;
  if (url === undefined || url === "") {
    throw new Error("No Postgres to test on: start tests with `npm test -- path/to/file.test.ts`, which brings one");
  }
  return url;
}
