import { createHash, randomBytes } from "node:crypto";
import test, { type ExecutionContext } from "ava";
import { z } from "zod";
import { createLog } from "../../db/log.ts";
import { parseServiceTokens } from "../../db/service_tokens.ts";
import { listOf, rowOf, rowsOf, valueOf } from "../../db/testing/ask.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { openStage, type Stage } from "../../scripts/soak/stage.ts";
import { createApp } from "../app.ts";

/*
 * Both simulators call a real server, which a real worker follows. Time stands still unless it is moved, and each step
 * waits for what it caused: simulators' idle(), then the queue drained.
 */

type Scene = {
  stage: Stage;
  url: string;
  logged: () => string;
  outcomes: () => Promise<string[]>;
};

const START = Date.parse("2026-03-10T09:00:00.000Z");
const MINUTE = 60_000;

const withScene = (
  body: (t: ExecutionContext, scene: Scene) => Promise<void>,
  { seed = "webhooks" }: { seed?: string } = {},
): ((t: ExecutionContext) => Promise<void>) =>
  withClonedDb(async (t, cloned) => {
    const lines: string[] = [];
    const log = createLog({ level: "trace", destination: { write: (line) => void lines.push(line) } });
    const stage = await openStage({ databaseUrl: cloned.url, seed, startAt: START, log });
    const secret = randomBytes(16).toString("hex");
    const app = createApp({
      db: cloned.pool("app_authenticator"),
      log,
      inbound: {
        db: cloned.pool("app_service"),
        keyring: stage.runtime.keyring,
        mono: null,
        momo: { baseUrl: stage.momo.url, targetEnvironment: "sandbox" },
        serviceTokens: parseServiceTokens(`app:sha256:${createHash("sha256").update("x").digest("hex")}`),
        monoWebhookSecret: secret,
      },
    });
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    stage.mono.configureWebhooks({ url: `${url}/webhooks/mono`, secret });
    try {
      await body(t, {
        stage,
        url,
        logged: () => lines.join(""),
        outcomes: () => listOf(stage.owner, "select outcome from app_private.webhooks order by id"),
      });
    } finally {
      await app.close();
      await stage.close();
    }
  });

const account = (stage: Stage, id: string) =>
  rowOf(stage.owner, "select * from app_public.accounts where id = $1", [id]);
const runs = (stage: Stage, id: string) =>
  rowsOf(stage.owner, "select trigger, status, new_count from app_public.sync_logs where account_id = $1 order by id", [
    id,
  ]);
const transactions = async (stage: Stage, id: string) =>
  listOf(
    stage.owner,
    "select provider_transaction_id from app_public.transactions where account_id = $1 and status = 'posted' order by 1",
    [id],
  );
const truth = (stage: Stage, monoId: string, since: string) =>
  stage.mono
    .truth(monoId)
    .transactions.filter(({ day }) => day >= since)
    .map(({ id }) => id)
    .toSorted();

/** Lets a call arrive, and everything happen that follows from it at this moment. */
async function settle(stage: Stage): Promise<void> {
  await stage.mono.idle();
  await stage.momo.callbacksSettled();
  await stage.drain();
  await stage.mono.idle();
  await stage.drain();
}

test.serial(
  "a run that waits for Mono's refresh goes on when the webhook comes, not when it would have looked again",
  withScene(async (t, { stage, outcomes }) => {
    const { accountId, monoId } = await stage.linkBank(
      { perWeek: 30, historyDays: 20, realtime: { durationMs: 7_000 } },
      { historyDays: 10 },
    );
    await stage.drain();
    t.is((await runs(stage, accountId))[0]?.status, "in_progress");
    await stage.advance(6_999);
    await settle(stage);
    t.is((await runs(stage, accountId))[0]?.status, "in_progress", "nothing happened yet");
    await stage.advance(1);
    await settle(stage);
    t.deepEqual(
      (await runs(stage, accountId)).map(({ status }) => status),
      ["success"],
    );
    t.deepEqual(await transactions(stage, accountId), truth(stage, monoId, "2026-02-28"));
    t.true((await outcomes()).includes("resumed"));
    t.is((await account(stage, accountId)).last_synced_at?.toString().slice(0, 3), "Tue");
  }),
);

test.serial(
  "without the webhook the run looks again by itself",
  withScene(async (t, { stage, outcomes }) => {
    stage.mono.configureWebhooks({ loseShare: 1 });
    const { accountId } = await stage.linkBank({ realtime: { durationMs: 7_000 } }, { historyDays: 10 });
    await stage.drain();
    await stage.advance(7_000);
    await settle(stage);
    t.is((await runs(stage, accountId))[0]?.status, "in_progress");
    await stage.advance(MINUTE);
    await settle(stage);
    t.is((await runs(stage, accountId))[0]?.status, "success");
    t.deepEqual(await outcomes(), []);
  }),
);

test.serial(
  "every webhook twice and in another order: each refresh is followed once, and nothing is synced for its echo",
  withScene(async (t, { stage, outcomes }) => {
    stage.mono.configureWebhooks({ duplicateShare: 1, order: "shuffled" });
    const banks = [];
    for (let n = 0; n < 4; n += 1) {
      banks.push(await stage.linkBank({ perWeek: 20, realtime: { durationMs: 3_000 } }, { historyDays: 10 }));
    }
    await stage.drain();
    await stage.advance(3_000);
    await settle(stage);
    await stage.advance(10 * MINUTE);
    await settle(stage);
    for (const { accountId, monoId } of banks) {
      t.deepEqual(
        (await runs(stage, accountId)).map(({ status }) => status),
        ["success"],
      );
      t.deepEqual(await transactions(stage, accountId), truth(stage, monoId, "2026-02-28"));
    }
    const events = stage.mono.state().webhooks;
    t.is(events.duplicated, events.events);
    t.is((await outcomes()).length, events.events, "each stored once");
    t.is(stage.mono.state().realtimeSessions, banks.length, "no second refresh was paid for");
  }),
);

test.serial(
  "a consent that ends is known by the webhook alone, and told once; its return syncs at once and closes the gap",
  withScene(async (t, { stage, outcomes }) => {
    const { accountId, monoId } = await stage.linkBank({ perWeek: 30 }, { historyDays: 10 });
    await settle(stage);
    t.is((await account(stage, accountId)).sync_status, "active");
    await stage.advance(60 * MINUTE);
    stage.mono.configureWebhooks({ duplicate: 1 });
    stage.mono.setConsent(monoId, { expired: true, announce: true });
    await settle(stage);
    t.is((await account(stage, accountId)).sync_status, "auth_required");
    t.is((await runs(stage, accountId)).length, 1, "no sync was needed to find out");
    const episodes = () =>
      rowsOf(stage.owner, "select detected_by, recovered_at is null as open from app_private.auth_episodes");
    t.deepEqual(await episodes(), [{ detected_by: null, open: true }]);

    // Two days go by, with their own probes; the bank goes on.
    await stage.advance(2 * 24 * 60 * MINUTE);
    await settle(stage);
    t.is((await account(stage, accountId)).sync_status, "auth_required");
    t.deepEqual(await episodes(), [{ detected_by: null, open: true }], "the same one");
    await stage.advance(MINUTE);
    stage.mono.configureWebhooks({ duplicateShare: 1, order: "reversed" });
    const refreshes = stage.mono.state().realtimeSessions;
    stage.mono.setConsent(monoId, { expired: false });
    await settle(stage);
    t.is((await account(stage, accountId)).sync_status, "active", "within the cooldown of the last probe");
    t.is(stage.mono.state().realtimeSessions, refreshes, "Mono has just fetched it: no refresh is asked for");
    t.deepEqual(await episodes(), [{ detected_by: null, open: false }]);
    t.deepEqual(await transactions(stage, accountId), truth(stage, monoId, "2026-02-28"));
    t.true((await outcomes()).includes("needs_you"));
  }),
);

test.serial(
  "a late or wrongly signed word of an end changes nothing",
  withScene(async (t, { stage, outcomes }) => {
    const { accountId, monoId } = await stage.linkBank({ perWeek: 5 }, { historyDays: 10 });
    await settle(stage);
    await stage.advance(60 * MINUTE);
    stage.mono.configureWebhooks({ secret: "whsec_of_somebody_else" });
    stage.mono.setConsent(monoId, { expired: true, announce: true });
    await stage.mono.flushWebhooks();
    t.is(stage.mono.state().webhooks.refused > 0, true);
    await settle(stage);
    t.is((await account(stage, accountId)).sync_status, "active");
    t.false((await outcomes()).includes("needs_you"));
  }),
);

test.serial(
  "what Mono tells of an account that nobody linked is kept, and judged when it is; a stranger's creates nothing",
  withScene(async (t, { stage, outcomes }) => {
    const monoId = stage.mono.createAccount({ perWeek: 20, announce: true });
    await settle(stage);
    t.deepEqual((await outcomes()).toSorted(), ["nothing", "unknown_account"]);
    t.is(Number(await valueOf(stage.owner, "select count(*) from app_public.accounts")), 0);
    await stage.advance(MINUTE);
    const { accountId } = await stage.linkBank({}, { monoId, historyDays: 10 });
    await settle(stage);
    t.is((await account(stage, accountId)).sync_status, "active");
    t.false((await outcomes()).includes("unknown_account"));
  }),
);

test.serial(
  "an unlinked account's webhooks bring nothing back",
  withScene(async (t, { stage, outcomes }) => {
    const { accountId, monoId } = await stage.linkBank({ perWeek: 5 }, { historyDays: 10 });
    await settle(stage);
    await stage.owner.query("update app_public.accounts set unlinked_at = app_private.clock() where id = $1", [
      accountId,
    ]);
    await stage.advance(60 * MINUTE);
    stage.mono.setConsent(monoId, { expired: true, announce: true });
    stage.mono.setConsent(monoId, { expired: false });
    await settle(stage);
    t.true((await outcomes()).slice(-3).every((outcome) => outcome === "unlinked"));
    t.is((await runs(stage, accountId)).length, 1);
    t.is((await account(stage, accountId)).sync_status, "active");
  }),
);

test.serial(
  "a payment is settled by its callback: by either method, twice, or by polling when it is lost",
  withScene(async (t, { stage, url }) => {
    const wallet = await stage.linkWallet({ callbackHost: "127.0.0.1" });
    await settle(stage);
    await stage.advance(10 * MINUTE);
    const pay = async (callbacks: object, callbackUrl = `${url}/webhooks/mtn-momo/`) => {
      const referenceId = crypto.randomUUID();
      stage.momo.createPayment(wallet.apiUser, {
        amount: "5.00",
        referenceId,
        outcomeAfterMs: 4_000,
        callbackUrl: `${callbackUrl}${referenceId}`,
        callbacks,
      });
      await stage.track(wallet, referenceId);
      return referenceId;
    };
    const settled = async (referenceId: string) =>
      valueOf(stage.owner, "select outcome from app_private.tracked_references where reference_id = $1", [referenceId]);
    const put = await pay({ mode: "once", method: "PUT" });
    const twice = await pay({ mode: "duplicate", method: "POST" });
    const lost = await pay({ mode: "never" });
    await stage.advance(4_000);
    await settle(stage);
    t.is(await settled(put), "settled", "after four seconds, and not after the thirty of a poll");
    t.is(await settled(twice), "settled");
    t.is(await settled(lost), "open");
    await stage.advance(MINUTE);
    await settle(stage);
    t.is(await settled(lost), "settled");
    t.deepEqual(await transactions(stage, wallet.accountId), [put, twice, lost].toSorted());
  }),
);

test.serial(
  "a forged callback is only a question: what MTN says stands",
  withScene(async (t, { stage, url }) => {
    const wallet = await stage.linkWallet({});
    await settle(stage);
    await stage.advance(10 * MINUTE);
    const { referenceId } = stage.momo.createPayment(wallet.apiUser, { amount: "5.00", outcomeAfterMs: 3_600_000 });
    await stage.track(wallet, referenceId);
    const forged = await fetch(`${url}/webhooks/mtn-momo/${referenceId}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ status: "SUCCESSFUL", amount: "999999", currency: "EUR" }),
    });
    t.is(forged.status, 200);
    await settle(stage);
    t.like(await rowOf(stage.owner, "select polls, outcome from app_private.tracked_references"), {
      polls: 1,
      outcome: "open",
    });
    t.deepEqual(
      await rowsOf(stage.owner, "select status, amount from app_public.transactions where status = 'posted'"),
      [],
    );
  }),
);

const bankRow = z.object({ number: z.string(), name: z.string() });

test.serial(
  "of all that the providers told, no account number, name or phone number is stored with webhooks, queued or logged",
  withScene(async (t, { stage, url, logged }) => {
    const bank = await stage.linkBank(
      { perWeek: 20, name: "CANARY OKAFOR", realtime: { durationMs: 2_000 } },
      { historyDays: 10 },
    );
    const wallet = await stage.linkWallet({ callbackHost: "127.0.0.1" });
    await stage.drain();
    await stage.advance(2_000);
    await settle(stage);
    const referenceId = crypto.randomUUID();
    const payer = "46733129876";
    stage.momo.createPayment(wallet.apiUser, {
      amount: "5.00",
      payer,
      referenceId,
      outcomeAfterMs: 0,
      callbackUrl: `${url}/webhooks/mtn-momo/${referenceId}`,
    });
    await stage.track(wallet, referenceId);
    await stage.momo.callbacksSettled();
    stage.mono.setConsent(bank.monoId, { expired: true, announce: true });
    await stage.mono.idle();
    const queued = await listOf(stage.owner, "select payload::text || key from graphile_worker._private_jobs");
    await settle(stage);
    const kept = await listOf(stage.owner, "select w::text from app_private.webhooks w");
    t.true(kept.length >= 3);
    t.true(queued.length >= 1);
    const { number, name } = bankRow.parse(stage.mono.state().accounts[0]);
    t.is(name, "CANARY OKAFOR");
    // A callback cannot be found in the log by its payer, nor Mono's event by whose account it is.
    for (const canary of [number, name, "CANARY", payer]) {
      t.false(kept.join().includes(canary), "webhooks");
      t.false(queued.join().includes(canary), "jobs");
      t.false(logged().includes(canary), "log");
    }
    t.true(kept.join().includes(bank.monoId), "the search finds what is there");
    t.true(logged().includes(bank.accountId));
  }),
);
