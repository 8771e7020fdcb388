import test from "ava";
import type { Pool, PoolClient } from "pg";
import { withClonedDb } from "../../db/testing/database.ts";
import { pgPool } from "../../db/pool.ts";
import { releasedOnce } from "./released_once.ts";

type Release = (destroy?: boolean | Error) => void;

const take = (pool: Pool): Promise<{ client: PoolClient; release: Release }> =>
  new Promise((resolve, reject) => {
    pool.connect((error, client, release) => {
      if (client === undefined) reject(error ?? new Error("neither a client nor an error"));
      else resolve({ client, release });
    });
  });

test(
  "a connection given back twice is given back once; and one taken by promise works as ever",
  withClonedDb(async (t, cloned) => {
    const pool = pgPool({ databaseUrl: cloned.url, role: "app_worker", max: 1, name: "test released once" });
    try {
      const bare = await take(pool);
      bare.release();
      t.throws(() => bare.release(), { message: /already been released/ });

      const kind = releasedOnce(pool);
      const first = await take(kind);
      first.release();
      const second = await take(kind);
      t.is(second.client, first.client);
      // Not the second one's.
      first.release();
      t.is(kind.idleCount, 0);
      second.release();
      t.is(kind.idleCount, 1);

      const promised = await kind.connect();
      promised.release();
      t.is((await kind.query("select 1 as one")).rowCount, 1);
    } finally {
      await pool.end();
    }
  }),
);
