import test, { type ExecutionContext } from "ava";
import { z } from "zod";
import { createLog } from "../../db/log.ts";
import { listOf, rowsOf } from "../../db/testing/ask.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { dispatchSoon } from "../../db/queries/dispatch.ts";
import { openStage, type Stage } from "./stage.ts";

const DAY = 86_400_000;
const START = Date.parse("2026-03-02T09:00:00Z");

const line = z.looseObject({ msg: z.string().optional(), run_id: z.string().optional() });

test(
  "one run id leads from the dispatcher's tick over the job and each call to the run's end and what its owner is told, and tells no money",
  withClonedDb(async (t, cloned) => {
    const written: string[] = [];
    const log = createLog({ level: "info", destination: { write: (text) => void written.push(text) } });
    const stage = await openStage({ databaseUrl: cloned.url, seed: t.title, startAt: START, log });
    try {
      await follow(t, stage, written);
    } finally {
      await stage.close();
    }
  }),
);

async function follow(t: ExecutionContext, stage: Stage, written: string[]): Promise<void> {
  const bank = await stage.linkBank({ historyDays: 60, perWeek: 20 }, { historyDays: 30 });
  const wallet = await stage.linkWallet({ balance: "512345.67" }, { statement: true });
  await stage.drain();
  await stage.advance(4 * DAY);
  written.length = 0;
  await dispatchSoon(stage.runtime.db);
  await stage.work();

  const trail = written.join("");
  const lines = written.map((text) => line.parse(JSON.parse(text)));
  for (const { accountId, platform } of [
    { accountId: bank.accountId, platform: "mono" },
    { accountId: wallet.accountId, platform: "mtn_momo" },
  ]) {
    const [run] = await rowsOf(
      stage.owner,
      "select id::text, requests from app_public.sync_logs where account_id = $1 order by id desc limit 1",
      [accountId],
    );
    const ofRun = lines.filter(({ run_id: id }) => id === run?.["id"]);
    const calls = ofRun.filter(({ msg }) => msg === "provider called");
    t.true(calls.length >= 1, platform);
    t.is(calls.length, Number(run?.["requests"]), "each call has its line");
    for (const call of calls) t.like(call, { status: 200, level: "info" });
    t.is(typeof calls[0]?.["duration_ms"], "number");
    const [end, ...more] = ofRun.filter(({ msg }) => msg === "run succeeded");
    t.deepEqual(more, []);
    t.is(typeof end?.["duration_ms"], "number");
    for (const about of ofRun) t.like(about, { account_id: accountId, platform });

    const ticks = lines.filter(
      (tick) => tick.msg === "due accounts enqueued" && tick["dispatch_id"] === end?.["dispatch_id"],
    );
    t.is(ticks.length, 1);
    t.like(ticks[0], { platform, enqueued: 1 });
    t.regex(String(end?.["job_id"]), /^\d+$/);
    t.not(end?.["job_id"], end?.["dispatch_id"]);
  }

  // The same id leads on to what its owner is told.
  await stage.advance(4 * DAY);
  stage.mono.addFault({ kind: "401", match: { path: "/transactions" } });
  written.length = 0;
  await stage.drain();
  const later = written.map((text) => line.parse(JSON.parse(text)));
  const failed = later.find(({ failure_kind: kind }) => kind === "auth_required");
  t.truthy(failed?.run_id);
  const pushes = later.filter((about) => about["delivery"] !== undefined);
  t.true(pushes.length > 0);
  for (const about of pushes) {
    t.like(about, { run_id: failed?.run_id, account_id: bank.accountId, kind: "reauth_required" });
    t.regex(String(about["job_id"]), /^\d+$/);
  }

  const text = `${trail}${written.join("")}`;
  const narrations = await listOf(stage.owner, "select distinct narration from app_public.transactions");
  t.true(narrations.length > 10);
  for (const secret of [...narrations, "512345.67", "bank ", stage.mono.secretKey]) {
    t.false(text.includes(secret), secret);
  }
}
