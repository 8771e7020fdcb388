import { randomBytes } from "node:crypto";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { listOf, rowsOf, valueOf } from "../../db/testing/ask.ts";
import { unreadLog } from "../../db/testing/canaries/unread_log.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { eventBody, eventFrame, type MonoEvent } from "../../scripts/simulators/mono/events.ts";
import { openStage, type Stage, type StageBank } from "../../scripts/soak/stage.ts";
import { createApp } from "../app.ts";

/*
 * However Mono's word of an end and of a renewal comes, or does not: an account that was told to need its owner needs them
 * until the consent is good again, and then it is back, with nothing missing and nothing said twice.
 */

const SEED = "resume";
const START = Date.parse("2026-03-10T09:00:00.000Z");
const MINUTE = 60_000;

type Scene = {
  stage: Stage;
  /** Mono's webhook arrives, as the simulator would send it. */
  deliver: (event: MonoEvent) => Promise<void>;
  /** A bank account that was synced so many minutes ago; within five, Mono answers with that very refresh. */
  bank: (minutesAgo: number) => Promise<StageBank>;
};

const withScene = (body: (t: ExecutionContext, scene: Scene) => Promise<void>) =>
  withClonedDb(async (t, cloned) => {
    const log = unreadLog();
    const stage = await openStage({ databaseUrl: cloned.url, seed: SEED, startAt: START, log });
    const secret = randomBytes(16).toString("hex");
    const app = createApp({
      db: cloned.pool("app_authenticator"),
      log,
      inbound: {
        db: cloned.pool("app_service"),
        keyring: stage.runtime.keyring,
        mono: null,
        momo: { baseUrl: stage.momo.url, targetEnvironment: "sandbox" },
        serviceTokens: [],
        monoWebhookSecret: secret,
      },
    });
    try {
      await body(t, {
        stage,
        async deliver(event) {
          const { statusCode } = await app.inject({
            method: "POST",
            url: "/webhooks/mono",
            headers: { "content-type": "application/json", "mono-webhook-secret": secret },
            payload: eventBody(event, eventFrame(SEED)),
          });
          if (statusCode !== 200) throw new Error(`the webhook was answered ${statusCode}`);
          await stage.drain();
        },
        async bank(minutesAgo) {
          const bank = await stage.linkBank({ perWeek: 40, historyDays: 20 }, { historyDays: 8 });
          await stage.drain();
          await wait(stage, minutesAgo);
          return bank;
        },
      });
    } finally {
      await app.close();
      await stage.close();
    }
  });

const statusOf = (stage: Stage, { accountId }: StageBank) =>
  valueOf(stage.owner, "select sync_status from app_public.accounts where id = $1", [accountId]);
const episodesOf = (stage: Stage, { accountId }: StageBank) =>
  rowsOf(
    stage.owner,
    "select recovered_at is null as open, relapses from app_private.auth_episodes where account_id = $1 order by id",
    [accountId],
  );
const toldOf = (stage: Stage, { accountId }: StageBank) =>
  listOf(stage.owner, "select kind from app_public.notifications where account_id = $1 order by id", [accountId]);
const stored = (stage: Stage, { accountId }: StageBank) =>
  listOf(
    stage.owner,
    "select provider_transaction_id from app_public.transactions where account_id = $1 and status = 'posted' order by 1",
    [accountId],
  );
/** What the bank had shown by the last refresh, of the days that the account's history has. */
async function shown(stage: Stage, bank: StageBank): Promise<string[]> {
  const since = String(
    await valueOf(stage.owner, "select history_start::text from app_private.coverage where account_id = $1", [
      bank.accountId,
    ]),
  );
  return (stage.mono.cached(bank.monoId).transactions ?? [])
    .filter(({ day }) => day >= since)
    .map(({ id }) => id)
    .toSorted();
}

/** By hand: whatever the schedule and the cooldown say. */
async function syncNow(stage: Stage, { accountId }: StageBank): Promise<void> {
  await stage.owner.query("select graphile_worker.add_job('mono_sync', json_build_object('accountId', $1::uuid))", [
    accountId,
  ]);
  await stage.drain();
}

async function wait(stage: Stage, minutes: number): Promise<void> {
  await stage.advance(minutes * MINUTE);
  await stage.drain();
}

/** The events of this account since then, without the echoes of refreshes. */
const eventsSince = (stage: Stage, { monoId }: StageBank, count: number, names: RegExp): MonoEvent[] =>
  stage.mono
    .events()
    .slice(count)
    .filter(({ account, name }) => account === monoId && names.test(name));

const pastime = fc.oneof(
  fc.record({ kind: fc.constant("wait" as const), minutes: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ kind: fc.constantFrom("sync" as const, "end_again" as const, "back_out" as const) }),
);

const journey = fc.record({
  /** How the end is told: by the event of older docs, which may come at any time, or by that of a refresh which failed. */
  end: fc.constantFrom(
    { told: "legacy" as const, minutesAgo: 1 },
    { told: "legacy" as const, minutesAgo: 60 },
    { told: "refresh" as const, minutesAgo: 60 },
  ),
  meanwhile: fc.array(pastime, { maxLength: 4 }),
  /** Which of the two events of a renewal arrive, in which order, how often; -1 is a sync by hand, more is minutes. */
  back: fc.array(fc.constantFrom(0, 1, 0, 1, -1, 2, 7), { maxLength: 5 }),
});

test.serial(
  "told, it needs its owner until the consent is good; then it is back, whatever came in which order, twice or never",
  withScene(async (t, { stage, deliver, bank: newBank }) => {
    await fc.assert(
      fc.asyncProperty(journey, async ({ end: { told, minutesAgo }, meanwhile, back }) => {
        const bank = await newBank(minutesAgo);
        const before = stage.mono.events().length;
        stage.mono.setConsent(bank.monoId, { expired: true, announce: told === "legacy" });
        if (told === "refresh") await syncNow(stage, bank);
        const ends = eventsSince(
          stage,
          bank,
          before,
          told === "legacy" ? /reauthorisation_required/ : /account_updated/,
        );
        const [end] = ends;
        if (end === undefined) throw new Error("Mono told of no end");
        await deliver(end);
        t.is(await statusOf(stage, bank), "auth_required");

        for (const step of meanwhile) {
          if (step.kind === "wait") await wait(stage, step.minutes);
          else if (step.kind === "sync") await syncNow(stage, bank);
          else if (step.kind === "end_again") await deliver(end);
          else await mint(stage, bank);
          t.is(await statusOf(stage, bank), "auth_required", `after ${step.kind}`);
        }

        const renewedAt = stage.mono.events().length;
        stage.mono.setConsent(bank.monoId, { expired: false });
        const events = eventsSince(stage, bank, renewedAt, /account_(?:reauthorized|updated)/);
        t.is(events.length, 2);
        const arrived = new Set<number>();
        for (const what of back) {
          const event = events[what];
          if (event === undefined) await (what === -1 ? syncNow(stage, bank) : wait(stage, what));
          else {
            await deliver(event);
            arrived.add(what);
          }
        }
        if (arrived.size < 2) {
          // What is lost is found by asking, at the latest at the account's usual time.
          for (let hours = 0; hours < 48 && (await statusOf(stage, bank)) !== "active"; hours += 2) {
            await wait(stage, 120);
          }
        }
        t.is(await statusOf(stage, bank), "active", arrived.size === 2 ? "at once" : "found by polling");
        t.deepEqual(await episodesOf(stage, bank), [{ open: false, relapses: 0 }]);
        t.deepEqual(await toldOf(stage, bank), ["reauth_required"]);
        t.deepEqual(await stored(stage, bank), await shown(stage, bank));

        // Late repeats of the end change nothing any more.
        await deliver(end);
        t.is(await statusOf(stage, bank), "active");
        t.is((await episodesOf(stage, bank)).length, 1);
      }),
      { numRuns: 16, seed: 20_261_125 },
    );
    t.pass();
  }),
);

async function mint(stage: Stage, { monoId }: StageBank): Promise<void> {
  const reply = await fetch(`${stage.mono.url}/v2/accounts/initiate`, {
    method: "POST",
    headers: { "mono-sec-key": stage.mono.secretKey, "content-type": "application/json" },
    body: JSON.stringify({ account: monoId, scope: "reauth" }),
  });
  if (!reply.ok) throw new Error(`no page was minted: ${reply.status}`);
  await reply.body?.cancel();
  await stage.drain();
}

test.serial(
  "whoever renews early, or goes to the bank's page and turns back, keeps a link that works",
  withScene(async (t, { stage, deliver, bank: newBank }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(0, 1, -1, 6), { maxLength: 4 }), async (steps) => {
        const bank = await newBank(60);
        const before = stage.mono.events().length;
        await mint(stage, bank);
        stage.mono.setConsent(bank.monoId, { expired: false });
        const events = eventsSince(stage, bank, before, /account_(?:reauthorized|updated)/);
        for (const what of steps) {
          const event = events[what];
          if (event !== undefined) await deliver(event);
          else await (what === -1 ? mint(stage, bank) : wait(stage, what));
          t.is(await statusOf(stage, bank), "active");
        }
        await wait(stage, 6);
        await syncNow(stage, bank);
        t.is(await statusOf(stage, bank), "active");
        t.deepEqual(await episodesOf(stage, bank), []);
        t.deepEqual(await toldOf(stage, bank), []);
        t.deepEqual(await stored(stage, bank), await shown(stage, bank));
      }),
      { numRuns: 6, seed: 20_261_125 },
    );
    t.pass();
  }),
);
