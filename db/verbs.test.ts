import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { withDb } from "./testing/database.ts";
import { broken, type Verb, verbs, verbsOf } from "./verbs.ts";

const released = async (): Promise<Verb[]> =>
  verbs.parse(JSON.parse(await readFile(join(import.meta.dirname, "released_verbs.json"), "utf8")));

test(
  "whatever processes of the last release call is still there, and takes and answers what it did",
  withDb(async (t, db) => {
    const known = await released();
    t.true(known.length > 50);
    t.deepEqual(
      broken(known, await verbsOf(db)),
      [],
      "old workers run beside the new database during an upgrade: make a new verb, and keep the old one for a release",
    );
  }),
);

test(
  "a verb that goes, loses an argument or a column, or wants one more is found; one that gains a default is not",
  withDb(async (t, db) => {
    const known = await verbsOf(db);
    const after = async (change: string): Promise<string[]> => {
      await db.query("savepoint before_it");
      await db.query(change);
      const found = broken(known, await verbsOf(db));
      await db.query("rollback to savepoint before_it");
      return found;
    };
    const beat = (parameters: string, columns = "workers_buried integer, runs_reclaimed integer, jobs_freed integer") =>
      `drop function app_private.beat(text, text, uuid[], bigint[]);
       create function app_private.beat(${parameters}) returns table (${columns}) language sql as 'select ${columns
         .split(",")
         .map(() => "1")
         .join()}';
       grant execute on function app_private.beat to app_worker`;
    const as = "p_worker text, p_runner text, p_active uuid[] default null, p_jobs bigint[] default null";
    t.deepEqual(await after(beat(`${as}, p_release text default null`)), []);
    t.deepEqual(
      await after(beat(as, "workers_buried integer, runs_reclaimed integer, jobs_freed integer, more integer")),
      [],
    );
    t.deepEqual(await after("drop function app_private.beat(text, text, uuid[], bigint[])"), [
      "app_private.beat is gone",
    ]);
    t.deepEqual(
      await after("revoke execute on function app_private.beat(text, text, uuid[], bigint[]) from app_worker"),
      ["app_private.beat is gone"],
    );
    t.deepEqual(await after(beat(as, "workers_buried integer, runs_reclaimed integer")), [
      "app_private.beat does not answer jobs_freed integer any more",
    ]);
    t.deepEqual(await after(beat("p_worker text, p_runner text, p_active uuid[]")), [
      "app_private.beat takes (text, text, uuid[]) instead of (text, text, uuid[], bigint[])",
    ]);
    t.deepEqual(await after(beat("p_worker text, p_runner text, p_active uuid[], p_jobs bigint[] default null")), [
      "app_private.beat wants 3 arguments instead of 2",
    ]);
  }),
);
