import { existsSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import type { Client } from "pg";
import { listOf } from "../ask.ts";
import { withClonedDb, withDb } from "../database.ts";
import { asVisitorNobody } from "../roles.ts";
import { begin, incoming, linkMono, noon, page, save, setClock } from "../world.ts";
import { canarySecret } from "./catalogue.ts";
import { meantColumns, meantOutput } from "./meant.ts";
import { storedCanaries } from "./stored.ts";

const secret = canarySecret("hex");
const shown = `a marked secret (${secret.slice(0, 24)}…)`;

/** Columns that nobody has thought of, and two that are filled in other ways. */
async function plant(db: Client): Promise<void> {
  await db.query(
    `create table app_private.forgotten ("a note" text, extra jsonb, raw bytea, list text[], digits bytea, amount numeric)`,
  );
  await db.query("insert into app_private.forgotten values ($1, $2, $3, $4, $5, 256770000001)", [
    "call 256770000001",
    JSON.stringify({ deep: [{ number: "0131883461" }] }),
    Buffer.from("the key is live_sk_abc"),
    ["fine", "+2348012345678"],
    Buffer.from(secret, "hex"),
  ]);
  await db.query(
    `select graphile_worker.add_job('mono_sync', json_build_object('key', $1::text), run_at => '2100-01-01')`,
    [secret],
  );
}

const planted = [
  "app_private.forgotten.a note holds a telephone number (256770000001)",
  `app_private.forgotten.digits holds ${shown}`,
  "app_private.forgotten.extra holds an account number (0131883461)",
  "app_private.forgotten.list holds a telephone number (+2348012345678)",
  "app_private.forgotten.raw holds a secret key of Mono's (live_sk_abc)",
  `graphile_worker._private_jobs.payload holds ${shown}`,
];

/** What made the test red. */
async function failuresOf(t: ExecutionContext, body: (t: ExecutionContext) => Promise<void>): Promise<string[]> {
  const attempt = await t.try(body);
  attempt.discard();
  return attempt.errors.flatMap(({ message }) => message.split("\n")).toSorted();
}

test("a test that stores a canary where none is meant to be is red, and told each place", async (t) => {
  const careless = withClonedDb(async (tt, cloned) => {
    await plant(await cloned.connect("app_owner"));
    tt.pass();
  });
  t.deepEqual(await failuresOf(t, careless), planted);
  const careful = withClonedDb(async (tt, cloned) => {
    await linkMono(await cloned.connect("app_owner"));
    tt.pass();
  });
  t.deepEqual(await failuresOf(t, careful), []);
});

test("so is one whose transaction is rolled back, whatever role it ends in", async (t) => {
  const careless = withDb(async (tt, db) => {
    await plant(db);
    await asVisitorNobody(db);
    tt.pass();
  });
  t.deepEqual(await failuresOf(t, careless), planted);
  const careful = withDb(async (tt, db) => {
    await linkMono(db);
    await asVisitorNobody(db);
    tt.pass();
  });
  t.deepEqual(await failuresOf(t, careful), []);
});

test("a transaction that an error has aborted keeps nothing, and its test is what it was", async (t) => {
  const broken = withDb(async (tt, db) => {
    await plant(db);
    await tt.throwsAsync(db.query("select 1 / 0"));
  });
  t.deepEqual(await failuresOf(t, broken), []);
});

test(
  "what is meant for a column may be there, and nothing else may",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const lease = await begin(db, await linkMono(db));
    await save(db, page(lease, [incoming("t1", "2026-03-05", { counterparty: "256770000001" })]));
    t.deepEqual(await storedCanaries(db), []);
    await db.query("update app_public.transactions set counterparty = '0131883461'");
    t.deepEqual(await storedCanaries(db), [
      "app_public.transactions.counterparty holds an account number (0131883461)",
    ]);
    await db.query("update app_public.transactions set counterparty = null");
  }),
);

test(
  "a table of many blocks is read to its end",
  withDb(async (t, db) => {
    await db.query("create table app_private.long (filler text, note text)");
    // A row a block.
    await db.query("alter table app_private.long alter filler set storage plain");
    await db.query("insert into app_private.long select repeat('x', 8000), null from generate_series(1, 2500)");
    t.deepEqual(await storedCanaries(db), []);
    await db.query("insert into app_private.long values (repeat('x', 7900), '0131883461')");
    t.deepEqual(await storedCanaries(db), ["app_private.long.note holds an account number (0131883461)"]);
    await db.query("drop table app_private.long");
  }),
);

test(
  "what may be where is said of columns and of test files that there are",
  withDb(async (t, db) => {
    const columns = await listOf(
      db,
      "select attrelid::regclass || '.' || attname from pg_attribute where attnum > 0 and not attisdropped",
    );
    t.true(columns.length > 100);
    for (const name of Object.keys(meantColumns)) t.true(columns.includes(name), name);
    for (const { file } of meantOutput) t.true(existsSync(file), file);
  }),
);
