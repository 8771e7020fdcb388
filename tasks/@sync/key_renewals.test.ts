import test, { type ExecutionContext } from "ava";
import { rowOf, rowsOf, valueOf } from "../../db/testing/ask.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { openStage, type Stage, type StageWallet } from "../../scripts/soak/stage.ts";
import { linkNewAccount } from "../@linking/link_new_account.ts";
import { open } from "../@credentials/seal.ts";
import { runSync } from "../@worker/run_sync.ts";
import { KeyRenewals } from "./key_renewals.ts";
import { WalletTokens } from "./wallet_tokens.ts";

const START = Date.parse("2026-03-10T09:00:00.000Z");
const MINUTE = 60_000;
const DAY = 86_400_000;
const ada = "d0000000-0000-4000-8000-000000000001";
const kofi = "d0000000-0000-4000-8000-000000000002";
const eve = "d0000000-0000-4000-8000-000000000003";

const withStage = (body: (t: ExecutionContext, stage: Stage) => Promise<void>) =>
  withClonedDb(async (t, cloned) => {
    const stage = await openStage({ databaseUrl: cloned.url, seed: "renewals", startAt: START });
    try {
      await body(t, stage);
    } finally {
      await stage.close();
    }
  });

/** Another user's link of the same wallet. */
async function linkAgain(stage: Stage, wallet: StageWallet, userId: string, apiKey: string): Promise<string> {
  const { accountId } = await linkNewAccount(stage.runtime.db, stage.runtime.keyring, {
    userId,
    platform: "mtn_momo",
    accountName: "the same wallet",
    currency: "EUR",
    externalId: wallet.apiUser,
    baseUrl: stage.momo.url,
    targetEnvironment: "sandbox",
    timeZone: "Etc/UTC",
    credentials: { momo_api_key: apiKey, momo_subscription_key: stage.momo.subscriptionKeys[0] ?? "" },
  });
  return accountId;
}

const account = (stage: Stage, id: string) =>
  rowOf(stage.owner, "select * from app_public.accounts where id = $1", [id]);
const runs = (stage: Stage, id: string) =>
  rowsOf(stage.owner, "select status, failure_kind from app_public.sync_logs where account_id = $1 order by id", [id]);
const keysMade = (stage: Stage): number =>
  stage.momo.state().hosts["sandbox"]?.requests["POST /v1_0/apiuser/:id/apikey"] ?? 0;
const claims = (stage: Stage) =>
  valueOf(stage.owner, "select count(*)::int from app_private.links where key_renewal is not null");

async function storedKey(stage: Stage, accountId: string): Promise<string> {
  const { key_id: keyId, sealed } = await rowOf(
    stage.owner,
    "select * from app_private.credentials where account_id = $1 and kind = 'momo_api_key'",
    [accountId],
  );
  if (typeof keyId !== "string" || !(sealed instanceof Buffer)) throw new Error("there is no key");
  return open(stage.runtime.keyring, { accountId, kind: "momo_api_key" }, { keyId, sealed });
}

/** The wallet's key stops to work at MTN; so does every token. */
function rotate(stage: Stage, wallet: StageWallet): string {
  const { apiKey } = stage.momo.rotateKey(wallet.apiUser);
  stage.momo.endTokens(wallet.apiUser);
  return apiKey;
}

test.serial(
  "a refused key is renewed within the run, stored sealed, and the next run uses it; nobody is asked for anything",
  withStage(async (t, stage) => {
    const wallet = await stage.linkWallet({}, { userId: ada });
    await stage.drain();
    const before = await storedKey(stage, wallet.accountId);
    rotate(stage, wallet);
    await stage.advance(4 * DAY);
    await stage.drain();
    t.is((await runs(stage, wallet.accountId)).at(-1)?.status, "success");
    t.is((await account(stage, wallet.accountId)).sync_status, "active");
    t.is(keysMade(stage), 1);
    t.is(await valueOf(stage.owner, "select count(*)::int from app_private.auth_episodes"), 0);
    const after = await storedKey(stage, wallet.accountId);
    t.not(after, before);
    t.is(await claims(stage), 0);
    await stage.advance(4 * DAY);
    await stage.drain();
    t.is((await runs(stage, wallet.accountId)).at(-1)?.status, "success");
    t.is(keysMade(stage), 1);
  }),
);

test.serial(
  "a key whose answer was lost costs another one, and nothing else",
  withStage(async (t, stage) => {
    const wallet = await stage.linkWallet({}, { userId: ada });
    await stage.drain();
    const before = await storedKey(stage, wallet.accountId);
    rotate(stage, wallet);
    stage.momo.addFault({ kind: "lost_answer", match: { path: "/apikey" } });
    await stage.advance(4 * DAY);
    await stage.drain();
    t.like((await runs(stage, wallet.accountId)).at(-1), { status: "failed", failure_kind: "transient" });
    t.is(await storedKey(stage, wallet.accountId), before, "nothing is forgotten before something else is stored");
    t.is((await account(stage, wallet.accountId)).sync_status, "active");
    t.is(await claims(stage), 0);
    await stage.advance(2 * MINUTE);
    await stage.drain();
    t.is((await runs(stage, wallet.accountId)).at(-1)?.status, "success");
    t.is(keysMade(stage), 2);
  }),
);

test.serial(
  "a worker that dies between the new key and its storing holds nobody up for longer than its claim",
  withStage(async (t, stage) => {
    const wallet = await stage.linkWallet({}, { userId: ada });
    await stage.drain();
    const before = await storedKey(stage, wallet.accountId);
    rotate(stage, wallet);
    await stage.advance(4 * DAY);
    // Its database calls end with the key in its hands, as a kill would have it.
    const dying = new Error("killed");
    const { db } = stage.runtime;
    const mortal = {
      ...stage.runtime,
      keyRenewals: new KeyRenewals(
        {
          query: (text: string, values?: unknown[]) =>
            text.includes("store_renewed_key") ? Promise.reject(dying) : db.query(text, values),
        },
        stage.runtime.keyring,
      ),
    };
    const job = { worker: "mortal", stopping: new AbortController().signal };
    await t.throwsAsync(runSync(mortal, "mtn_momo", { accountId: wallet.accountId }, job), { is: dying });
    t.is(keysMade(stage), 1);
    t.is(await storedKey(stage, wallet.accountId), before);
    t.is(await claims(stage), 1);

    // The heartbeat takes its run back; the next one waits for the claim and no longer.
    await stage.owner.query("select app_private.stop_worker('mortal')");
    await stage.drain();
    t.is(keysMade(stage), 1, "busy");
    for (let minute = 0; minute < 4; minute += 1) {
      await stage.advance(MINUTE);
      await stage.drain();
    }
    t.is((await runs(stage, wallet.accountId)).at(-1)?.status, "success");
    t.is(keysMade(stage), 2);
    t.is(await claims(stage), 0);
  }),
);

test.serial(
  "however many workers find the key refused, one makes a new one for all who had it",
  withStage(async (t, stage) => {
    const wallet = await stage.linkWallet({}, { userId: ada });
    const key = await storedKey(stage, wallet.accountId);
    const other = await linkAgain(stage, wallet, kofi, key);
    await stage.drain();
    rotate(stage, wallet);
    await stage.advance(4 * DAY);
    // Each with tokens of its own, as two processes have.
    const processes = [wallet.accountId, other].map((accountId, at) =>
      runSync(
        { ...stage.runtime, tokens: new WalletTokens(stage.runtime.db, stage.runtime.keyring) },
        "mtn_momo",
        { accountId },
        { worker: `process ${at}`, stopping: new AbortController().signal },
      ),
    );
    await Promise.all(processes);
    for (let step = 0; step < 3; step += 1) {
      await stage.advance(10_000);
      await stage.drain();
    }
    t.is(keysMade(stage), 1);
    t.is(await storedKey(stage, other), await storedKey(stage, wallet.accountId));
    for (const id of [wallet.accountId, other]) t.is((await runs(stage, id)).at(-1)?.status, "success");
  }),
);

test.serial(
  "whoever links somebody else's wallet with a key that never worked gets none made for it",
  withStage(async (t, stage) => {
    const wallet = await stage.linkWallet({}, { userId: ada });
    await stage.drain();
    const strange = await linkAgain(stage, wallet, eve, "00000000000000000000000000000000");
    await stage.drain();
    t.like((await runs(stage, strange)).at(-1), { status: "auth_error" });
    t.is((await account(stage, strange)).balance, null, "nor the token of those who have it");
    t.is(keysMade(stage), 0);

    rotate(stage, wallet);
    await stage.advance(4 * DAY);
    await stage.drain();
    t.is((await runs(stage, wallet.accountId)).at(-1)?.status, "success");
    t.is(await storedKey(stage, strange), "00000000000000000000000000000000");
    t.like(await account(stage, strange), { sync_status: "auth_required", balance: null });
  }),
);

test.serial(
  "a key that is refused again within a day has another master: its owner is asked",
  withStage(async (t, stage) => {
    const wallet = await stage.linkWallet({}, { userId: ada });
    await stage.drain();
    rotate(stage, wallet);
    await stage.advance(4 * DAY);
    await stage.drain();
    t.is(keysMade(stage), 1);
    const theirs = rotate(stage, wallet);
    await stage.owner.query("select app_private.request_account_sync($1)", [wallet.accountId]);
    await stage.advance(10 * MINUTE);
    await stage.owner.query("select app_private.request_account_sync($1)", [wallet.accountId]);
    await stage.drain();
    t.is((await account(stage, wallet.accountId)).sync_status, "auth_required");
    t.is(keysMade(stage), 1);

    // Linked anew with the key that works, it is renewed again when that one is refused.
    await linkAgain(stage, wallet, ada, theirs);
    await stage.drain();
    t.is((await account(stage, wallet.accountId)).sync_status, "active");
    rotate(stage, wallet);
    await stage.advance(4 * DAY);
    await stage.drain();
    t.is((await account(stage, wallet.accountId)).sync_status, "active");
    t.is(keysMade(stage), 2);
  }),
);
