import { randomUUID } from "node:crypto";
import test, { type ExecutionContext } from "ava";
import { z } from "zod";
import { beginUnlinkings, confirmUnlinkings } from "../../db/queries/unlinkings.ts";
import { receiveWebhooks } from "../../db/queries/webhooks.ts";
import { listOf, rowOf, rowsOf, valueOf } from "../../db/testing/ask.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { compareBank } from "../../scripts/soak/oracle.ts";
import { openStage, type Stage } from "../../scripts/soak/stage.ts";
import { createHttpClient } from "../@http/client.ts";
import { bankAccountOf, externalIdHmac } from "../@linking/identity.ts";
import { identityKeyOf } from "../@linking/identity_key.ts";
import { type Linked, linkNewAccount, type NewLink } from "../@linking/link_new_account.ts";
import { createMonoClient } from "../@providers/mono/client.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.parse("2026-03-02T09:00:00Z");
const alice = "a11ce000-0000-4000-8000-000000000001";
const NONE = { missing: [], duplicated: [], different: [] };

/** The tasks of a process share one runtime, so the tests of this file take turns. */
const onStage = (body: (t: ExecutionContext, stage: Stage) => Promise<void>) =>
  withClonedDb(async (t, cloned) => {
    const stage = await openStage({ databaseUrl: cloned.url, seed: t.title, startAt: START });
    try {
      await body(t, stage);
    } finally {
      await stage.close();
    }
  });

/** Links what Mono has under this id as the server does: asks Mono what it is, and recognises it by that. */
async function linkByMono(stage: Stage, monoId: string, link: Partial<NewLink> = {}): Promise<Linked> {
  const http = createHttpClient();
  try {
    const mono = createMonoClient({ http, baseUrl: stage.mono.url, secretKey: stage.mono.secretKey });
    const details = await mono.linkDetails(monoId, { signal: AbortSignal.timeout(30_000) });
    return await linkNewAccount(stage.runtime.db, stage.runtime.keyring, {
      userId: alice,
      platform: "mono",
      accountName: "Salary",
      currency: "NGN",
      externalId: monoId,
      bankAccount: bankAccountOf(details),
      historyDays: 30,
      credentials: { some_key: "hush" },
      ...link,
    });
  } finally {
    await http.close();
  }
}

const unlink = async (stage: Stage, accountId: string): Promise<void> => {
  await stage.owner.query("select app_private.unlink_accounts(array[$1::uuid])", [accountId]);
};

/** What the crontab does every minute. */
async function tick(stage: Stage): Promise<void> {
  await stage.owner.query("select graphile_worker.add_job('unlink_account', '{}')");
  await stage.drain();
}

const saga = (stage: Stage, accountId: string) =>
  rowOf(stage.owner, "select * from app_private.unlinkings where account_id = $1", [accountId]);
const secrets = (stage: Stage, accountId: string) =>
  listOf(stage.owner, "select kind from app_private.credentials where account_id = $1", [accountId]);
const isGone = (stage: Stage, monoId: string) =>
  stage.mono.state().accounts.find(({ id }) => id === monoId)?.gone === true;

test.serial(
  "unlinked while Mono is dead for a day: asked less and less often, confirmed when it is back, and only then forgotten",
  onStage(async (t, stage) => {
    const [monoId, siblingId] = [
      stage.mono.createAccount({ login: "one", historyDays: 40 }),
      stage.mono.createAccount({ login: "one", historyDays: 40 }),
    ];
    const { accountId } = await linkByMono(stage, monoId);
    const sibling = await linkByMono(stage, siblingId);
    await stage.drain();
    const before = await valueOf(stage.owner, "select count(*) from app_public.transactions where account_id = $1", [
      accountId,
    ]);
    let asked = 0;
    stage.mono.followFaultPlan((request) => {
      if (!request.path.endsWith("/unlink")) return null;
      asked += 1;
      return { kind: "503" };
    });

    await unlink(stage, accountId);
    await stage.drain();
    t.is(asked, 1, "the job of the unlinking itself");
    for (let hour = 0; hour < 24; hour += 1) {
      await stage.advance(HOUR);
      await tick(stage);
      t.deepEqual(await secrets(stage, accountId), ["some_key"]);
    }
    t.true(asked > 5 && asked < 15, `${asked} requests in a day`);
    t.like(await saga(stage, accountId), { state: "open", attempts: asked, last_failure_kind: "provider_down" });
    t.false(isGone(stage, monoId));

    stage.mono.followFaultPlan(null);
    await stage.advance(8 * HOUR);
    await tick(stage);
    t.true(isGone(stage, monoId));
    t.like(await saga(stage, accountId), { state: "done", attempts: asked + 1, last_failure_kind: null });
    t.deepEqual(await secrets(stage, accountId), []);
    const count = "select count(*) from app_public.transactions where account_id = $1";
    t.is(await valueOf(stage.owner, count, [accountId]), before, "transactions stay");

    t.false(isGone(stage, siblingId));
    t.deepEqual(await secrets(stage, sibling.accountId), ["some_key"]);
    t.is(stage.runs.filter((run) => run.accountId === accountId).length, 1);
    t.true(stage.runs.filter((run) => run.accountId === sibling.accountId).length > 1, "the sibling goes on");
    t.true(stage.runs.every((run) => run.outcome.kind === "success"));
  }),
);

test.serial(
  "a worker that dies at any step loses nothing: each is done again",
  onStage(async (t, stage) => {
    const { db } = stage.runtime;
    const die: Record<string, (accountId: string) => Promise<void>> = {
      "after the claim": async (accountId) => {
        t.is((await beginUnlinkings(db, ["mono"], accountId)).length, 1);
      },
      "with the answer on its way": async () => {
        stage.mono.addFault({ match: { path: "/unlink" }, kind: "lost_answer" });
        await tick(stage);
      },
      "before the confirmation was committed": async (accountId) => {
        const [unlinking] = await beginUnlinkings(db, ["mono"], accountId);
        const client = await stage.owner.connect();
        try {
          await client.query("begin");
          const [confirmed] = await confirmUnlinkings(client, [
            { id: unlinking?.id ?? "0", externalIdHmac: Buffer.alloc(32).toString("base64") },
          ]);
          t.is(confirmed?.outcome, "dropped");
          await client.query("rollback");
        } finally {
          client.release();
        }
      },
    };
    for (const [step, dies] of Object.entries(die)) {
      const monoId = stage.mono.createAccount({ historyDays: 5 });
      const { accountId } = await linkByMono(stage, monoId);
      await stage.drain();
      await unlink(stage, accountId);
      await stage.owner.query("delete from graphile_worker._private_jobs");
      await dies(accountId);
      t.like(await saga(stage, accountId), { state: "open", attempts: 1 }, step);
      t.deepEqual(await secrets(stage, accountId), ["some_key"], step);
      await tick(stage);
      t.like(await saga(stage, accountId), { state: "open" }, `${step}: not before its time`);
      await stage.advance(2 * MINUTE);
      await tick(stage);
      t.like(await saga(stage, accountId), { state: "done", attempts: 2 }, step);
      t.true(isGone(stage, monoId), step);
      t.deepEqual(await secrets(stage, accountId), [], step);
    }
  }),
);

test.serial(
  "what is late for an account that was erased: a job, a webhook, a link; none of it brings anything back",
  onStage(async (t, stage) => {
    const monoId = stage.mono.createAccount({ historyDays: 20 });
    const { accountId } = await linkByMono(stage, monoId);
    await stage.drain();
    const receipt = z.guid().parse(await valueOf(stage.owner, "select app_private.erase_user($1)", [alice]));
    await stage.drain();
    const { completed_at: completedAt, report } = await rowOf(
      stage.owner,
      "select * from app_private.erasure_report($1)",
      [receipt],
    );
    t.truthy(completedAt);
    t.true(isGone(stage, monoId));
    const counts = z.record(z.string(), z.object({ erased: z.number(), left: z.number() })).parse(report);
    t.true((counts["app_public.transactions"]?.erased ?? 0) > 0);
    t.true(Object.values(counts).every(({ left }) => left === 0));

    const runs = stage.runs.length;
    for (const [task, payload] of [
      ["mono_sync", { accountId }],
      ["mono_sync", { accountId, runId: "1" }],
      ["unlink_account", { accountId }],
    ] as const) {
      await stage.owner.query("select graphile_worker.add_job($1, $2)", [task, JSON.stringify(payload)]);
    }
    await stage.drain();
    t.is(stage.runs.length, runs);
    const key = await identityKeyOf(stage.runtime.db, stage.runtime.keyring);
    const webhook = (id: string) => ({
      platform: "mono" as const,
      dedupeKey: id,
      bodyHmac: Buffer.alloc(32).toString("base64"),
      event: "mono.events.account_updated",
      eventId: id,
      providerAccountId: id,
      dataStatus: "AVAILABLE",
      syncStatus: "SUCCESSFUL",
      externalIdHmac: externalIdHmac(key, "mono", id).toString("base64"),
    });
    t.is(await receiveWebhooks(stage.owner, [webhook(monoId)]), 0);
    t.is(await receiveWebhooks(stage.owner, [webhook("somebody-elses")]), 1, "the control");
    await stage.drain();

    await t.throwsAsync(
      linkNewAccount(stage.runtime.db, stage.runtime.keyring, {
        userId: alice,
        platform: "mono",
        accountName: "Salary",
        currency: "NGN",
        externalId: monoId,
      }),
      { code: "LNKGN" },
    );
    t.deepEqual(await rowsOf(stage.owner, "select id from app_public.accounts"), []);
    const anew = await linkByMono(stage, stage.mono.createAccount({ historyDays: 5 }));
    t.is(anew.outcome, "linked");
  }),
);

for (const [what, unlinks] of [
  ["while it was linked", false],
  ["after it was unlinked", true],
] as const) {
  test.serial(
    `the same bank account under a new id, ${what}: the old row goes on, nothing is there twice, the user's part is kept`,
    onStage(async (t, stage) => {
      const monoId = stage.mono.createAccount({ historyDays: 60, perWeek: 20, number: "0131883461" });
      const { accountId } = await linkByMono(stage, monoId);
      await linkByMono(stage, stage.mono.createAccount({ historyDays: 60, number: "0131883462" }));
      await stage.drain();
      const all = "select id, provider_transaction_id from app_public.transactions where account_id = $1 order by id";
      const before = await rowsOf(stage.owner, all, [accountId]);
      t.true(before.length > 20);
      await stage.owner.query("update app_public.transactions set category = 'food', note = 'mine' where id = $1", [
        before[0]?.id,
      ]);
      if (unlinks) {
        await unlink(stage, accountId);
        stage.mono.addFault({ match: { path: "/unlink" }, kind: "503" });
        await stage.drain();
      }

      const newId = stage.mono.relink(monoId);
      await stage.advance(3 * DAY);
      t.deepEqual(await linkByMono(stage, newId), { accountId, outcome: "resumed" });
      t.is((await linkByMono(stage, newId, { userId: randomUUID(), externalId: "of-another-user" })).outcome, "linked");
      await stage.drain();
      const from = new Date(stage.now() - 30 * DAY).toISOString().slice(0, 10);
      t.deepEqual(await compareBank(stage.owner, accountId, stage.mono.truth(newId), from), NONE);
      const after = await rowsOf(stage.owner, all, [accountId]);
      t.deepEqual(
        after.slice(0, before.length).map(({ id }) => id),
        before.map(({ id }) => id),
        "the rows are the same",
      );
      t.true(after.every(({ provider_transaction_id: id }, n) => id !== before[n]?.provider_transaction_id));
      t.like(await rowOf(stage.owner, "select * from app_public.transactions where id = $1", [before[0]?.id]), {
        category: "food",
        note: "mine",
      });
      t.is(await valueOf(stage.owner, "select count(*) from app_public.accounts where user_id = $1", [alice]), "2");

      // The old id is not left open at the provider, and the new link's secrets are not taken for its.
      await stage.advance(DAY);
      await tick(stage);
      t.like(await saga(stage, accountId), { external_id: monoId, state: "done", secrets_dropped_at: null });
      t.deepEqual(await secrets(stage, accountId), ["some_key"]);
    }),
  );
}

test.serial(
  "a wallet's provider has nothing to be told: its secrets and its token go at once",
  onStage(async (t, stage) => {
    const wallet = await stage.linkWallet({ balance: "500.00" });
    await stage.drain();
    t.true((await secrets(stage, wallet.accountId)).length > 0);
    t.is(await valueOf(stage.owner, "select count(*) from app_private.wallet_tokens"), "1");
    await unlink(stage, wallet.accountId);
    await stage.drain();
    t.like(await saga(stage, wallet.accountId), { state: "done", attempts: 1 });
    t.deepEqual(await secrets(stage, wallet.accountId), []);
    t.is(await valueOf(stage.owner, "select count(*) from app_private.wallet_tokens"), "0");
  }),
);
