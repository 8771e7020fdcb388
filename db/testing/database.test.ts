import test, { type ExecutionContext } from "ava";
import { Client } from "pg";
import { refusalOf, NotRefusedError } from "./refusal.ts";
import { asAdmin, asOwner, asService, asUser, asVisitorNobody, asWorker } from "./roles.ts";
import { twoSessions, withClonedDb, withDb } from "./database.ts";

const alice = "a11ce000-0000-4000-8000-000000000001";

/** The one value of a one-row answer. */
async function value(db: Client, sql: string): Promise<unknown> {
  const { rows } = await db.query<unknown[]>({ text: sql, rowMode: "array" });
  return rows[0]?.[0];
}

test(
  "what one test writes, the next does not see (first)",
  withDb(async (t, db) => {
    t.is(await value(db, "select to_regclass('app_private.scribble')"), null);
    await db.query("create table app_private.scribble ()");
    t.is(await value(db, "select to_regclass('app_private.scribble')::text"), "app_private.scribble");
  }),
);

test(
  "what one test writes, the next does not see (second)",
  withDb(async (t, db) => {
    t.is(await value(db, "select to_regclass('app_private.scribble')"), null);
    await db.query("create table app_private.scribble ()");
    t.is(await value(db, "select to_regclass('app_private.scribble')::text"), "app_private.scribble");
  }),
);

test(
  "one word becomes each role",
  withDb(async (t, db) => {
    const who = () => value(db, "select current_user || ' ' || coalesce(app_public.current_user_id()::text, 'nobody')");
    t.is(await who(), "app_owner nobody");
    await asUser(db, alice);
    t.is(await who(), `app_visitor ${alice}`);
    await asVisitorNobody(db);
    t.is(await who(), "app_visitor nobody");
    for (const [become, role] of [
      [asWorker, "app_worker"],
      [asService, "app_service"],
      [asAdmin, "app_admin"],
      [asOwner, "app_owner"],
    ] as const) {
      await asUser(db, alice);
      await become(db);
      t.is(await value(db, "select current_user || ' ' || current_setting('tidemark.user_id')"), `${role} `);
    }
  }),
);

test(
  "the schema was built without a superuser",
  withDb(async (t, db) => {
    t.is(await value(db, "select session_user::text"), "tidemark_migrator");
    t.is(await value(db, "select rolsuper from pg_roles where rolname = session_user"), false);
    // Positive control: that catalogue does say true of somebody.
    t.is(await value(db, "select bool_or(rolsuper) from pg_roles"), true);
  }),
);

test(
  "a refusal does not end the transaction",
  withDb(async (t, db) => {
    await asVisitorNobody(db);
    const refusal = await refusalOf(db, () => db.query("create table app_public.mine ()"));
    t.is(refusal.code, "42501");
    await asOwner(db);
    await t.throwsAsync(
      refusalOf(db, () => db.query("create table app_public.mine ()")),
      { instanceOf: NotRefusedError },
    );
    t.is(await value(db, "select to_regclass('app_public.mine')"), null);
  }),
);

test(
  "exact and timed values arrive as text, also in arrays",
  withDb(async (t, db) => {
    const sql = `select 0.10::numeric as n, 9007199254740993::int8 as i, '2026-01-31'::date as d,
                        '2026-01-31 10:00:00.123456+00'::timestamptz as at, '1 day'::interval as v,
                        array[0.10]::numeric[] as ns, array['2026-01-31'::date, null] as ds,
                        array['2026-01-31 10:00:00.123456+00'::timestamptz] as ats, array[1]::int8[] as is`;
    const { rows } = await db.query<Record<string, unknown>>(sql);
    t.deepEqual(rows[0], {
      n: "0.10",
      i: "9007199254740993",
      d: "2026-01-31",
      at: "2026-01-31 10:00:00.123456+00",
      v: "1 day",
      ns: ["0.10"],
      ds: ["2026-01-31", null],
      ats: ["2026-01-31 10:00:00.123456+00"],
      is: ["1"],
    });
  }),
);

test(
  "a cloned database commits, and its pools and sessions act as the role asked for",
  withClonedDb(async (t, cloned) => {
    const owner = await cloned.connect("app_owner");
    await owner.query("create table app_private.scribble (n int)");
    const pool = cloned.pool("app_owner");
    await pool.query("insert into app_private.scribble values (7)");
    t.is(await value(owner, "select n from app_private.scribble"), 7);
    const worker = await cloned.connect("app_worker");
    t.is(await value(worker, "select current_user::text"), "app_worker");
    await worker.query("reset role");
    t.is(await value(worker, "select current_user::text"), "app_worker");
    t.is(await value(await cloned.connect(), "select current_user::text"), "tidemark_migrator");
  }),
);

test(
  "two sessions see each other's locks",
  twoSessions(async (t, a, b) => {
    t.is(await value(a, "select pg_try_advisory_lock(1)"), true);
    t.is(await value(b, "select pg_try_advisory_lock(1)"), false);
    await a.query("select pg_advisory_unlock(1)");
    t.is(await value(b, "select pg_try_advisory_lock(1)"), true);
  }),
);

/** Runs a test implementation as AVA would, without its verdict counting for this test. */
async function verdictOf(
  t: ExecutionContext,
  implementation: (t: ExecutionContext) => Promise<void>,
): Promise<boolean> {
  const attempt = await t.try(implementation);
  attempt.discard();
  return attempt.passed;
}

async function openByHand(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: "forgotten" });
  // Cut when its database is dropped.
  client.on("error", () => {});
  await client.connect();
  return client;
}

test("a client that is not given back makes the test red; one that is does not", async (t) => {
  const forgetful = withClonedDb(async (tt, cloned) => {
    await cloned.pool().connect();
    tt.pass();
  });
  const careful = withClonedDb(async (tt, cloned) => {
    const client = await cloned.pool().connect();
    client.release();
    tt.pass();
  });
  const verdicts = [await verdictOf(t, forgetful), await verdictOf(t, careful)];
  t.deepEqual(verdicts, [false, true]);
});

test("a session opened by hand and left makes the test red; one that is closed does not", async (t) => {
  const forgetful = withClonedDb(async (tt, cloned) => {
    await openByHand(cloned.url);
    tt.pass();
  });
  const careful = withClonedDb(async (tt, cloned) => {
    const client = await openByHand(cloned.url);
    await client.end();
    tt.pass();
  });
  const verdicts = [await verdictOf(t, forgetful), await verdictOf(t, careful)];
  t.deepEqual(verdicts, [false, true]);
});
