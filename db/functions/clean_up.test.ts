import test from "ava";
import { cleanUp } from "../queries/workers.ts";
import { listOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { asOwner, asWorker } from "../testing/roles.ts";
import { alice, linkMono, noon, setClock } from "../testing/world.ts";

test(
  "answers of a day ago, expired tokens and dead jobs of ours go; everything younger and others' jobs stay",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const { accountId } = await linkMono(db);
    await db.query(
      `insert into app_private.idempotency_keys (user_id, idempotency_key, account_id, outcome, created_at)
       values ($1, 'older than a day', $2, 'queued', '2026-03-09 11:59:59+00'),
              ($1, 'a day old', $2, 'queued', '2026-03-09 12:00:00+00')`,
      [alice, accountId],
    );
    await db.query(
      `insert into app_private.wallet_tokens (wallet_key, key_id, sealed, expires_at)
       values ('expired', 'k', '', '2026-03-10 11:59:59+00'), ('alive', 'k', '', '2026-03-10 12:00:00+00')`,
    );
    await db.query(
      `insert into app_private.webhooks (platform_source, dedupe_key, body_hmac, event, received_at, outcome)
       values ('mono', 'judged', sha256(''), 'mono.x', '2026-02-08 12:00:00+00', 'ignored')`,
    );
    await db.query("delete from graphile_worker._private_jobs");
    for (const [task, key, attempts, locked] of [
      ["mono_sync", "dead", 3, false],
      ["momo_sync", "dead wallet", 3, false],
      ["mono_sync", "last try", 3, true],
      ["mono_sync", "tried twice", 2, false],
      ["send_mail", "an app's own", 3, false],
    ] as const) {
      await db.query("select graphile_worker.add_job($1, '{}'::json, job_key => $2, max_attempts => 3)", [task, key]);
      await db.query(
        `update graphile_worker._private_jobs set attempts = $2, locked_at = case when $3 then now() end,
           locked_by = case when $3 then 'worker' end where key = $1`,
        [key, attempts, locked],
      );
    }
    await asWorker(db);
    t.deepEqual(await cleanUp(db), { idempotency_keys: 1, wallet_tokens: 1, jobs: 2 });
    t.deepEqual(await cleanUp(db), { idempotency_keys: 0, wallet_tokens: 0, jobs: 0 });
    await asOwner(db);
    t.is(await valueOf(db, "select idempotency_key from app_private.idempotency_keys"), "a day old");
    t.is(await valueOf(db, "select wallet_key from app_private.wallet_tokens"), "alive");
    t.deepEqual(await listOf(db, "select key from graphile_worker.jobs order by key"), [
      "an app's own",
      "last try",
      "tried twice",
    ]);
    // What nobody judged, because its job died, is looked at again.
    await db.query("update app_private.webhooks set outcome = null");
    await cleanUp(db);
    t.is(await valueOf(db, "select count(*) from graphile_worker.jobs where key = 'process_webhooks'"), "1");
  }),
);
