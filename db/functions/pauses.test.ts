import { randomUUID } from "node:crypto";
import test from "ava";
import type { Client } from "pg";
import { enqueueDueSyncs } from "../queries/dispatch.ts";
import { listOf, rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asAdmin, asOwner, asUser } from "../testing/roles.ts";
import {
  type Account,
  alice,
  begin,
  bob,
  emptyQueue,
  finish,
  jobs,
  linkMomo,
  linkMono,
  noon,
  setClock,
  stateRow,
  tryBegin,
} from "../testing/world.ts";

/** As the operator; answers the one value. */
async function operator(db: Client, sql: string, values: unknown[] = []): Promise<unknown> {
  await asAdmin(db);
  const answer = await valueOf(db, sql, values);
  await asOwner(db);
  return answer;
}

async function request(db: Client, { accountId, userId }: Account): Promise<unknown> {
  await asUser(db, userId);
  const answer = await rowOf(db, "select outcome, until from app_public.request_sync($1, $2)", [
    accountId,
    randomUUID(),
  ]);
  await asOwner(db);
  return answer;
}

const phase = async (db: Client, { accountId, userId }: Account): Promise<unknown> => {
  await asUser(db, userId);
  const state = await rowOf(
    db,
    "select phase, paused_until from app_public.account_sync_states where account_id = $1",
    [accountId],
  );
  await asOwner(db);
  return state;
};

const until = "2026-03-10 14:00:00+00";

for (const { what, pause, resume } of [
  {
    what: "an institution",
    pause: "app_admin.pause_institution('mono', '044', $1, $2::timestamptz)",
    resume: "app_admin.resume_institution('mono', '044', $1)",
  },
  {
    what: "a user",
    pause: `app_admin.pause_user('${alice}', $1, $2::timestamptz)`,
    resume: `app_admin.resume_user('${alice}', $1)`,
  },
]) {
  test(
    `${what} that is paused: not dispatched, not begun, not requested, shown as paused; others are; resumed, all is as it was`,
    withDb(async (t, db) => {
      await setClock(db, noon);
      const held = await linkMono(db, { institutionCode: "044", userId: alice });
      const free = await linkMono(db, { institutionCode: "058", userId: bob });
      await emptyQueue(db);
      t.is(await operator(db, `select ${pause}`, ["they asked us to", until]), 1);

      t.is(await enqueueDueSyncs(db, "mono", 10), 2);
      t.deepEqual(
        (await jobs(db)).map(({ key }) => key),
        [`sync:${free.accountId}`],
      );
      t.like(await stateRow(db, held), { enqueued_until: until });
      t.is(await enqueueDueSyncs(db, "mono", 10), 0, "put off once, not looked at again");
      t.is((await tryBegin(db, held)).outcome, "paused");
      t.deepEqual(await request(db, held), { outcome: "paused", until });
      t.deepEqual(await phase(db, held), { phase: "paused", paused_until: until });
      t.like(await rowOf(db, "select * from app_private.request_syncs('mono')"), { paused: 1, queued: 1 });
      t.like(await rowOf(db, "select * from app_admin.pauses"), { until, reason: "they asked us to" });
      // The controls.
      t.deepEqual(await request(db, free), { outcome: "queued", until: null });
      t.is((await tryBegin(db, free)).outcome, "begun");
      t.like(await phase(db, free), { phase: "running", paused_until: null });

      t.is(await operator(db, `select ${resume}`, ["they are done"]), 1);
      t.is(await enqueueDueSyncs(db, "mono", 10), 1);
      t.is((await tryBegin(db, held)).outcome, "begun");
      t.deepEqual(
        await listOf(db, "select action || ': ' || reason from app_admin.admin_actions order by id"),
        what === "a user"
          ? ["pause_user: they asked us to", "resume_user: they are done"]
          : ["pause_institution: they asked us to", "resume_institution: they are done"],
      );
    }),
  );

  test(
    `the pause of ${what} ends by itself, and a shorter one lets go of who was put off to the longer one's end`,
    withDb(async (t, db) => {
      await setClock(db, noon);
      const held = await linkMono(db, { institutionCode: "044", userId: alice });
      await operator(db, `select ${pause}`, ["they asked us to", "infinity"]);
      await enqueueDueSyncs(db, "mono", 10);
      t.like(await stateRow(db, held), { enqueued_until: "infinity" });
      t.deepEqual(await request(db, held), { outcome: "paused", until: null });
      await operator(db, `select ${pause}`, ["for two hours only", until]);
      t.is(await enqueueDueSyncs(db, "mono", 10), 1);
      t.like(await stateRow(db, held), { enqueued_until: until });
      await setClock(db, "2026-03-10T14:00:00Z");
      await emptyQueue(db);
      t.is(await enqueueDueSyncs(db, "mono", 10), 1);
      t.is((await jobs(db)).length, 1);
      t.is((await tryBegin(db, held)).outcome, "begun");
      t.deepEqual(await rowsOf(db, "select * from app_admin.pauses"), []);
    }),
  );

  test(
    `a run that is open when ${what} is paused ends by itself, and the next one does not begin`,
    withDb(async (t, db) => {
      await setClock(db, noon);
      const held = await linkMono(db, { institutionCode: "044", userId: alice });
      const lease = await begin(db, held);
      await operator(db, `select ${pause}`, ["they asked us to", "infinity"]);
      t.is(await finish(db, lease), "ok");
      t.is((await tryBegin(db, held)).outcome, "paused");
      // A job that is added by hand puts it off as well.
      t.like(await stateRow(db, held), { enqueued_until: "infinity", run_id: null });
    }),
  );
}

test(
  "a platform: paused, nothing of it is dispatched; resumed, a tick follows at once; a refused key's pause is taken back alike",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const bank = await linkMono(db);
    const wallet = await linkMomo(db);
    await emptyQueue(db);
    await operator(db, "select app_admin.pause_platform('mono', 'maintenance', $1)", [until]);
    t.is(await enqueueDueSyncs(db, "mono", 10), 0);
    t.is(await enqueueDueSyncs(db, "mtn_momo", 10), 1, "the control");
    t.deepEqual(await request(db, bank), { outcome: "paused", until });
    t.is((await tryBegin(db, wallet, "worker-1", "mtn_momo")).outcome, "begun");
    await emptyQueue(db);
    await operator(db, "select app_admin.resume_platform('mono', 'done early')");
    t.deepEqual(
      (await jobs(db)).map(({ task }) => task),
      ["enqueue_due_syncs"],
    );
    t.is(await enqueueDueSyncs(db, "mono", 10), 1);
    await db.query(
      "update app_private.platforms set paused_until = 'infinity', paused_reason = 'configuration: refused'",
    );
    await operator(db, "select app_admin.resume_platform('mono', 'a new key is in place')");
    t.is((await tryBegin(db, bank)).outcome, "begun");
    t.like(await rowOf(db, "select before from app_admin.admin_actions order by id desc limit 1"), {
      before: { until: "infinity", reason: "configuration: refused" },
    });
  }),
);

test(
  "an account: paused, it leaves the dispatcher's sight; resumed, it is due as it was",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const [held, free] = [await linkMono(db), await linkMono(db)];
    await operator(db, "select app_admin.pause_account($1, 'looks wrong')", [held.accountId]);
    t.is(await enqueueDueSyncs(db, "mono", 10), 1);
    t.is((await tryBegin(db, held)).outcome, "paused");
    t.is((await tryBegin(db, free)).outcome, "begun");
    await setClock(db, "2026-03-11T12:00:00Z");
    t.is(
      new Date(
        String(await operator(db, "select app_admin.pause_account($1, 'still')", [held.accountId])),
      ).toISOString(),
      noon,
      "as old as it is",
    );
    await operator(db, "select app_admin.resume_account($1, 'looks right')", [held.accountId]);
    t.is((await tryBegin(db, held)).outcome, "begun");
  }),
);

test(
  "of two pauses each holds; taking one back leaves the other",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const held = await linkMono(db, { institutionCode: "044" });
    await operator(db, `select app_admin.pause_user('${alice}', 'one')`);
    await operator(db, "select app_admin.pause_institution('mono', '044', 'two')");
    await operator(db, `select app_admin.resume_user('${alice}', 'one is over')`);
    t.is((await tryBegin(db, held)).outcome, "paused");
    await operator(db, "select app_admin.resume_institution('mono', '044', 'so is two')");
    t.is((await tryBegin(db, held)).outcome, "begun");
  }),
);

const nobody = "99999999-9999-4999-8999-999999999999";

test(
  "nonsense is refused with a sentence, and changes nothing",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db, { institutionCode: "044" });
    const gone = await linkMono(db);
    await db.query("update app_public.accounts set unlinked_at = now() where id = $1", [gone.accountId]);
    for (const [sql, code] of [
      ["app_admin.pause_platform('mono', 'too late', '2026-03-10 12:00:00+00')", "SETNV"],
      ["app_admin.pause_platform('mono', 'never', null)", "SETNV"],
      ["app_admin.pause_platform('mono', ' x ')", "OPSNR"],
      ["app_admin.pause_platform('mono', null)", "OPSNR"],
      ["app_admin.resume_platform('mono', 'not paused')", "OPSNP"],
      ["app_admin.pause_institution('mono', '999', 'no such bank')", "NTFND"],
      ["app_admin.pause_institution('mtn_momo', '044', 'another platform')", "NTFND"],
      ["app_admin.resume_institution('mono', '044', 'not paused')", "OPSNP"],
      [`app_admin.pause_user('${nobody}', 'nobody')`, "NTFND"],
      [`app_admin.resume_user('${alice}', 'not paused')`, "OPSNP"],
      [`app_admin.pause_account('${nobody}', 'nobody')`, "NTFND"],
      [`app_admin.pause_account('${gone.accountId}', 'unlinked')`, "OPSNP"],
      [`app_admin.resume_account('${account.accountId}', 'not paused')`, "OPSNP"],
      [`app_admin.pause_account('${account.accountId}', '')`, "OPSNR"],
    ] as const) {
      const refusal = await refusalOf(db, async () => operator(db, `select ${sql}`));
      await asOwner(db);
      t.is(refusal.code, code, sql);
      t.regex(refusal.message, /^[A-Z].*\.$/, sql);
    }
    t.is(await valueOf(db, "select count(*) from app_private.admin_actions"), "0");
    t.is((await tryBegin(db, account)).outcome, "begun", "the control");
  }),
);
