import test, { type ExecutionContext } from "ava";
import { rowOf, valueOf } from "../../db/testing/ask.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { failureKind } from "../../db/queries/runs.ts";
import type { FailureKind } from "../../tasks/@sync/platform.ts";
import { compareBank } from "./oracle.ts";
import { openStage, type Stage, type StageBank, type StageWallet } from "./stage.ts";

/**
 * Every row of the failure table (db/functions/failure_policy.sql), produced by a simulator: how the run is recorded, what
 * becomes of the account, when it is tried again, and that the next good run clears it all and fills the gap. That a run is
 * `interrupted` takes a process that stops: scripts/worker.test.ts.
 */

const DAY = 86_400_000;
const START = Date.parse("2026-03-02T09:00:00Z");

type Case = {
  kind: FailureKind;
  /** What the simulator is told before the run. */
  fault(stage: Stage, account: { bank: StageBank; wallet: StageWallet }): void;
  /** And to make good again. */
  mend?(stage: Stage, account: { bank: StageBank; wallet: StageWallet }): void;
  log: "failed" | "auth_error";
  status: "active" | "auth_required" | "error";
  failures: number;
  /** When it is due again, after the failure. */
  due: [least: number, most: number];
};

const MINUTE = 60_000;
/** 1 minute ± 20 %. */
const FIRST_BACKOFF: [number, number] = [0.8 * MINUTE, 1.2 * MINUTE];
const AT_ITS_TIME: [number, number] = [6 * 3_600_000, 3.3 * DAY];
const AT_ONCE: [number, number] = [0, 0];
const counted = { log: "failed", status: "active", failures: 1, due: FIRST_BACKOFF } as const;

/** Only of data calls, so that the check of our own key still passes. */
const DATA = { path: "/transactions" };

const monoCases: Record<string, Case> = {
  "500": {
    kind: "transient",
    fault: ({ mono }) => mono.addFault({ kind: "500", match: DATA }),
    ...counted,
    due: [...FIRST_BACKOFF],
  },
  "a connection that breaks": {
    kind: "transient",
    fault: ({ mono }) => mono.addFault({ kind: "cut_midway", match: DATA }),
    ...counted,
    due: [...FIRST_BACKOFF],
  },
  "a refresh that fails": {
    kind: "transient",
    fault: ({ mono }, { bank }) => mono.setRealtime(bank.monoId, { outcome: "failed" }),
    mend: ({ mono }, { bank }) => mono.setRealtime(bank.monoId, { outcome: "new" }),
    ...counted,
    due: [...FIRST_BACKOFF],
  },
  "429": {
    kind: "rate_limited",
    fault: ({ mono }) => mono.addFault({ kind: "429", match: DATA }),
    log: "failed",
    status: "active",
    failures: 0,
    due: [...FIRST_BACKOFF],
  },
  "429 with Retry-After": {
    kind: "rate_limited",
    fault: ({ mono }) => mono.addFault({ kind: "429_retry_after", retryAfterSeconds: 1800, match: DATA }),
    log: "failed",
    status: "active",
    failures: 0,
    due: [30 * MINUTE, 30 * MINUTE],
  },
  "401 of the account, with our key still good": {
    kind: "auth_required",
    fault: ({ mono }) => mono.addFault({ kind: "401", match: DATA }),
    log: "auth_error",
    status: "auth_required",
    failures: 1,
    due: AT_ITS_TIME,
  },
  "an account that is gone": {
    kind: "account_gone",
    fault: ({ mono }, { bank }) => mono.unlink(bank.monoId),
    log: "failed",
    status: "error",
    failures: 1,
    due: AT_ITS_TIME,
  },
  "503": {
    kind: "provider_down",
    fault: ({ mono }) => mono.addFault({ kind: "503", match: DATA }),
    ...counted,
    due: [...FIRST_BACKOFF],
  },
  "a gateway's page": {
    kind: "provider_down",
    fault: ({ mono }) => mono.addFault({ kind: "html", match: DATA }),
    ...counted,
    due: [...FIRST_BACKOFF],
  },
  "malformed JSON": {
    kind: "invalid_response",
    fault: ({ mono }) => mono.addFault({ kind: "malformed", match: DATA }),
    ...counted,
    due: [...FIRST_BACKOFF],
  },
  "another shape": {
    kind: "invalid_response",
    fault: ({ mono }) => mono.addFault({ kind: "wrong_type", match: DATA }),
    ...counted,
    due: [...FIRST_BACKOFF],
  },
  "an empty body": {
    kind: "invalid_response",
    fault: ({ mono }) => mono.addFault({ kind: "empty", match: DATA }),
    ...counted,
    due: [...FIRST_BACKOFF],
  },
  "30 MB": {
    kind: "invalid_response",
    fault: ({ mono }) => mono.addFault({ kind: "huge", match: DATA }),
    ...counted,
    due: [...FIRST_BACKOFF],
  },
  "our own key is wrong": {
    kind: "configuration",
    fault: ({ mono }) => mono.setKey({ secretKey: "test_sk_rotated", refusal: 401 }),
    mend: ({ mono }) => mono.setKey({ secretKey: "test_sk_simulator", refusal: 401 }),
    log: "failed",
    status: "active",
    failures: 0,
    due: AT_ONCE,
  },
};

const momoCases: Record<string, Case> = {
  "500 that will pass": {
    kind: "transient",
    fault: ({ momo }) => momo.addFault({ kind: "500", match: { path: "balance" } }),
    ...counted,
    due: [...FIRST_BACKOFF],
  },
  "429": {
    kind: "rate_limited",
    fault: ({ momo }) => momo.addFault({ kind: "429", match: { path: "balance" } }),
    log: "failed",
    status: "active",
    failures: 0,
    due: [...FIRST_BACKOFF],
  },
  "a gateway's page": {
    kind: "provider_down",
    fault: ({ momo }) => momo.addFault({ kind: "html", match: { path: "balance" } }),
    ...counted,
    due: [...FIRST_BACKOFF],
  },
  "429 with Retry-After": {
    kind: "rate_limited",
    fault: ({ momo }) => momo.addFault({ kind: "429_retry_after", retryAfterSeconds: 600, match: { path: "balance" } }),
    log: "failed",
    status: "active",
    failures: 0,
    due: [10 * MINUTE, 10 * MINUTE],
  },
  "the wallet's key was rotated": {
    kind: "auth_required",
    fault: ({ momo }, { wallet }) => {
      momo.revoke(wallet.apiUser);
      momo.endTokens(wallet.apiUser);
    },
    mend: ({ momo }, { wallet }) => momo.revoke(wallet.apiUser, false),
    log: "auth_error",
    status: "auth_required",
    failures: 1,
    due: AT_ITS_TIME,
  },
  "503": {
    kind: "provider_down",
    fault: ({ momo }) => momo.addFault({ kind: "503", match: { path: "balance" } }),
    ...counted,
    due: [...FIRST_BACKOFF],
  },
  "malformed JSON": {
    kind: "invalid_response",
    fault: ({ momo }) => momo.addFault({ kind: "malformed", match: { path: "balance" } }),
    ...counted,
    due: [...FIRST_BACKOFF],
  },
};

test("no kind of failure is left out", (t) => {
  const produced = [...Object.values(monoCases), ...Object.values(momoCases)].map(({ kind }) => kind);
  t.deepEqual([...new Set([...produced, "interrupted"])].toSorted(), failureKind.options.toSorted());
});

const linkAll = async (stage: Stage) => ({
  bank: await stage.linkBank({ historyDays: 60, perWeek: 10, lateShare: 0 }, { historyDays: 30 }),
  wallet: await stage.linkWallet({ balance: "500.00" }),
});

for (const [platform, cases] of [
  ["Mono", monoCases],
  ["MoMo", momoCases],
] as const) {
  for (const [name, expected] of Object.entries(cases)) {
    test.serial(
      `${platform}, ${name}: ${expected.kind}`,
      withClonedDb(async (t, cloned) => {
        const stage = await openStage({ databaseUrl: cloned.url, seed: t.title, startAt: START });
        try {
          await runCase(t, stage, platform, expected);
        } finally {
          await stage.close();
        }
      }),
    );
  }
}

async function runCase(t: ExecutionContext, stage: Stage, platform: "Mono" | "MoMo", expected: Case): Promise<void> {
  const linked = await linkAll(stage);
  await stage.drain();
  const ours = platform === "Mono" ? linked.bank : linked.wallet;
  const other = platform === "Mono" ? linked.wallet : linked.bank;
  const account = (id: string) => rowOf(stage.owner, "select * from app_public.accounts where id = $1", [id]);
  const before = await account(ours.accountId);
  t.is(before["sync_status"], "active");

  // Days later, so that both are due and there is a gap to fill.
  await stage.advance(4 * DAY);
  expected.fault(stage, linked);
  await stage.drain();

  const log = await rowOf(
    stage.owner,
    "select * from app_public.sync_logs where account_id = $1 order by id desc limit 1",
    [ours.accountId],
  );
  t.like(log, { failure_kind: expected.kind, status: expected.log });
  t.truthy(log["error_message"]);
  const after = await account(ours.accountId);
  t.is(after["sync_status"], expected.status);
  t.deepEqual(after["last_synced_at"], before["last_synced_at"], "a failed run does not move last_synced_at");
  t.notDeepEqual(after["last_sync_attempt"], before["last_sync_attempt"]);
  const state = await rowOf(
    stage.owner,
    "select failures, extract(epoch from next_sync_at)::float8 * 1000 as due from app_private.sync_states where account_id = $1",
    [ours.accountId],
  );
  t.is(state["failures"], expected.failures);
  const wait = Number(state["due"]) - stage.now();
  t.true(wait >= expected.due[0] && wait <= expected.due[1], `due in ${wait / 1000} s`);
  t.is((await account(other.accountId))["sync_status"], "active", "the other platform goes on");
  t.is(
    await valueOf(
      stage.owner,
      "select status::text from app_public.sync_logs where account_id = $1 order by id desc limit 1",
      [other.accountId],
    ),
    "success",
  );
  t.is(
    await valueOf(
      stage.owner,
      "select paused_until is not null from app_private.platforms where platform_source = $1",
      [platform === "Mono" ? "mono" : "mtn_momo"],
    ),
    expected.kind === "configuration",
  );

  if (expected.kind === "account_gone") return; // Only a new link brings it back.
  expected.mend?.(stage, linked);
  await stage.advance(4 * DAY);
  // What a 429 blocks, it blocks by the machine's time, which does not pass with the stage's.
  await stage.owner.query("update app_private.quotas set blocked_until = null");
  await stage.drain();
  t.like(await account(ours.accountId), { sync_status: "active" });
  t.is(
    await valueOf(stage.owner, "select failures from app_private.sync_states where account_id = $1", [ours.accountId]),
    0,
  );
  t.is(await valueOf(stage.owner, "select count(*)::int from app_private.auth_episodes where recovered_at is null"), 0);
  const { bank } = linked;
  const since = new Date(START - 30 * DAY).toISOString().slice(0, 10);
  t.deepEqual(await compareBank(stage.owner, bank.accountId, stage.mono.truth(bank.monoId), since), {
    missing: [],
    duplicated: [],
    different: [],
  });
}
