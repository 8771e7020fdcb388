import test, { type ExecutionContext } from "ava";
import { type ClonedDb, withClonedDb } from "../../db/testing/database.ts";
import { compareBank, compareReferences, compareStatement, type Differences } from "./oracle.ts";
import { openStage, type Stage, type StageBank } from "./stage.ts";

const DAY = 86_400_000;
const START = Date.parse("2026-03-02T09:00:00Z");
const NONE: Differences = { missing: [], duplicated: [], different: [] };

/** The tasks of a process share one runtime, so the tests of this file take turns. */
const onStage = (body: (t: ExecutionContext, stage: Stage) => Promise<void>) =>
  withClonedDb(async (t, cloned: ClonedDb) => {
    const stage = await openStage({ databaseUrl: cloned.url, seed: t.title, startAt: START });
    try {
      await body(t, stage);
    } finally {
      await stage.close();
    }
  });

const since = (stage: Stage, days: number): string => new Date(stage.now() - days * DAY).toISOString().slice(0, 10);

async function bankDiffers(stage: Stage, bank: StageBank, from: string): Promise<Differences> {
  return compareBank(stage.owner, bank.accountId, stage.mono.truth(bank.monoId), from);
}

test.serial(
  "a bank account is brought up to date, and a second run over the same data changes nothing",
  onStage(async (t, stage) => {
    const bank = await stage.linkBank({ historyDays: 120, perWeek: 20, lateShare: 0 }, { historyDays: 90 });
    const from = since(stage, 90);
    await stage.drain();
    t.deepEqual(
      stage.runs.map((run) => run.outcome.kind),
      ["success"],
    );
    t.deepEqual(await bankDiffers(stage, bank, from), NONE);
    t.true(stage.mono.truth(bank.monoId).transactions.length > 100);

    await stage.advance(DAY);
    await stage.drain();
    t.is(stage.runs.length, 2);
    t.deepEqual(await bankDiffers(stage, bank, from), NONE);
  }),
);

for (const days of [1, 10, 90]) {
  test.serial(
    `an outage of ${days} days loses nothing`,
    onStage(async (t, stage) => {
      const bank = await stage.linkBank({ historyDays: 60, perWeek: 15 }, { historyDays: 30 });
      const from = since(stage, 30);
      await stage.drain();
      await stage.advance(days * DAY);
      await stage.drain();
      t.deepEqual(await bankDiffers(stage, bank, from), NONE);
    }),
  );

  test.serial(
    `an outage of ${days} days loses nothing of a wallet's statement`,
    onStage(async (t, stage) => {
      const wallet = await stage.linkWallet({ balance: "500.00" }, { statement: true, historyDays: 30 });
      const from = since(stage, 30);
      const differs = async (): Promise<Differences> =>
        compareStatement(stage.owner, wallet.accountId, stage.momo.truth(wallet.apiUser), from);
      await stage.drain();
      t.deepEqual(await differs(), NONE);
      const stored = stage.momo.truth(wallet.apiUser).statementRows.length;
      await stage.advance(days * DAY);
      t.true(stage.momo.truth(wallet.apiUser).statementRows.length > stored, "something happened meanwhile");
      await stage.drain();
      t.deepEqual(await differs(), NONE);
    }),
  );
}

test.serial(
  "what a bank posts three whole days late is found; what it posts later than that is not, for its day is settled",
  onStage(async (t, stage) => {
    const bank = await stage.linkBank({ historyDays: 60, perWeek: 10, lateShare: 0 }, { historyDays: 30 });
    const from = since(stage, 30);
    await stage.drain();
    const late = (days: number): string =>
      stage.mono.addTransaction(bank.monoId, {
        amount: 1_000,
        type: "debit",
        date: new Date(stage.now() - days * DAY).toISOString(),
      });
    late(3);
    const missed = late(4);
    await stage.advance(DAY);
    await stage.drain();
    t.deepEqual(
      stage.runs.map((run) => run.outcome.kind),
      ["success", "success"],
    );
    t.deepEqual(await bankDiffers(stage, bank, from), { ...NONE, missing: [missed] });
  }),
);

test.serial(
  "a wallet has its balance, its references and its statement",
  onStage(async (t, stage) => {
    const wallet = await stage.linkWallet({ balance: "500.00" }, { statement: true, historyDays: 30 });
    const from = since(stage, 30);
    for (const payer of ["46733123999", "46733123451", "46733123454"]) {
      const { referenceId } = stage.momo.createPayment(wallet.apiUser, { amount: "12.50", payer });
      await stage.track(wallet, referenceId);
    }
    await stage.drain();
    for (let tick = 0; tick < 20; tick += 1) {
      await stage.advance(60_000);
      await stage.drain();
    }
    const truth = stage.momo.truth(wallet.apiUser);
    t.deepEqual(
      stage.runs.filter((run) => run.outcome.kind !== "success").map((run) => run.outcome),
      [],
    );
    t.deepEqual(await compareReferences(stage.owner, wallet.accountId, truth), NONE);
    t.deepEqual(await compareStatement(stage.owner, wallet.accountId, truth, from), NONE);
    const { rows } = await stage.owner.query(
      "select trim_scale(balance)::text as balance from app_public.accounts where id = $1",
      [wallet.accountId],
    );
    t.deepEqual(rows, [{ balance: String(Number(truth.balance)) }]);
  }),
);
