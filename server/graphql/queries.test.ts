import test from "ava";
import type { Client } from "pg";
import { z } from "zod";
import {
  alice,
  begin,
  complete,
  fail,
  finish,
  incoming,
  leaseOf,
  linkMomo,
  linkMono,
  page,
  save,
} from "../../db/testing/world.ts";
import { rowOf } from "../../db/testing/ask.ts";
import { tokenOf, withApi } from "../testing/graphql_api.ts";

const NOON = "2026-03-10T12:00:00.000Z";

/** Business time stands still at noon. */
async function stopClock(db: Client): Promise<void> {
  await db.query("select app_private.set_clock($1, true)", [NOON]);
}

/** Moments come with or without a fraction, depending on how deep in a row they were. */
const wholeSeconds = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll(/\.0+\+00:00"/g, '+00:00"'));

test(
  "an account with its state, its latest run and its transactions, as a page shows them",
  withApi(async (t, api, owner) => {
    await stopClock(owner);
    const account = await linkMono(owner, { institution: "GTBank", historyDays: 9 });
    const lease = await begin(owner, account);
    const rows = [incoming("t1", "2026-03-05", { amount: "0.10" }), incoming("t2", "2026-03-06")];
    await save(owner, page(leaseOf(lease), rows, complete(rows)));
    await finish(owner, leaseOf(lease), { balance: "123456789012345678.90", balanceAsOf: NOON, dataAsOf: NOON });
    const answer = await api.ask(
      `{ accounts { nodes {
          accountName accountType platformSource balance currency institution syncStatus lastSyncedAt coverageThrough
          syncState { phase failures historyStart settled { fromDay toDay } gaps { fromDay toDay } coolingDownUntil openReferences }
          latestRun { status transactionsSynced newCount trigger }
          transactions(first: 1) { nodes { amount occurredOn direction status } pageInfo { hasNextPage } }
      } } }`,
      {},
      await tokenOf(alice),
    );
    t.deepEqual(wholeSeconds(answer.data), {
      accounts: {
        nodes: [
          {
            accountName: "Salary",
            accountType: "bank",
            platformSource: "mono",
            balance: "123456789012345678.90",
            currency: "NGN",
            institution: "GTBank",
            syncStatus: "active",
            lastSyncedAt: "2026-03-10T12:00:00+00:00",
            coverageThrough: "2026-03-06",
            syncState: {
              phase: "up_to_date",
              failures: 0,
              historyStart: "2026-03-01",
              settled: [{ fromDay: "2026-03-01", toDay: "2026-03-06" }],
              gaps: [],
              coolingDownUntil: "2026-03-10T12:05:00+00:00",
              openReferences: 0,
            },
            latestRun: { status: "success", transactionsSynced: 2, newCount: 2, trigger: "schedule" },
            transactions: {
              nodes: [{ amount: "100.00", occurredOn: "2026-03-06", direction: "debit", status: "posted" }],
              pageInfo: { hasNextPage: true },
            },
          },
        ],
      },
    });
  }),
);

const phases = z.object({
  account: z.object({ syncState: z.record(z.string(), z.unknown()) }),
});

test(
  "the phase follows the machinery: queued, running, waiting, retrying, needs you, paused, unlinked",
  withApi(async (t, api, owner) => {
    await stopClock(owner);
    const account = await linkMono(owner);
    const token = await tokenOf(alice);
    const state = async () => {
      const { data } = await api.ask(
        `query ($id: UUID!) { account(id: $id) { syncState {
           phase waitingUntil retryingAt lastFailureKind runPages windowsLeft } } }`,
        { id: account.accountId },
        token,
      );
      return phases.parse(wholeSeconds(data)).account.syncState;
    };
    const idle = { waitingUntil: null, retryingAt: null, lastFailureKind: null, runPages: null, windowsLeft: null };
    t.deepEqual(await state(), { ...idle, phase: "queued" });
    const lease = await begin(owner, account);
    t.deepEqual(await state(), { ...idle, phase: "running", runPages: 0, windowsLeft: 1 });
    await owner.query("select app_private.suspend_syncs($1)", [
      JSON.stringify([{ ...leaseOf(lease), until: "2026-03-10T12:10:00Z", state: {} }]),
    ]);
    t.deepEqual(await state(), {
      ...idle,
      phase: "waiting",
      waitingUntil: "2026-03-10T12:10:00+00:00",
      runPages: 0,
      windowsLeft: 1,
    });
    await owner.query("update app_private.sync_states set held_by = 'worker-1'");
    await fail(owner, leaseOf(lease), "transient");
    const { next } = await rowOf(
      owner,
      "select to_char(next_sync_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00') as next from app_private.sync_states",
    );
    t.deepEqual(await state(), { ...idle, phase: "retrying", retryingAt: next, lastFailureKind: "transient" });
    await owner.query("update app_public.accounts set sync_status = 'auth_required'");
    t.like(await state(), { phase: "needs_you" });
    await owner.query("update app_public.accounts set paused_at = now()");
    t.like(await state(), { phase: "paused" });
    await owner.query("update app_public.accounts set unlinked_at = now()");
    t.like(await state(), { phase: "unlinked" });
  }),
);

test(
  "a gap in what is settled is told day by day, and a wallet without a statement has no coverage to tell of",
  withApi(async (t, api, owner) => {
    await stopClock(owner);
    // The list goes by id.
    const account = await linkMono(owner, { historyDays: 20, accountId: "00000000-0000-4000-8000-00000000000a" });
    await linkMomo(owner, { accountId: "00000000-0000-4000-8000-00000000000b" });
    await owner.query(
      "update app_private.coverage set settled = '{[2026-02-20,2026-03-01),[2026-03-04,2026-03-08)}' where account_id = $1",
      [account.accountId],
    );
    const { data } = await api.ask(
      "{ accounts { nodes { accountName syncState { historyStart settled { fromDay toDay } gaps { fromDay toDay } } } } }",
      {},
      await tokenOf(alice),
    );
    t.deepEqual(data, {
      accounts: {
        nodes: [
          {
            accountName: "Salary",
            syncState: {
              historyStart: "2026-02-18",
              settled: [
                { fromDay: "2026-02-20", toDay: "2026-02-28" },
                { fromDay: "2026-03-04", toDay: "2026-03-07" },
              ],
              gaps: [
                { fromDay: "2026-02-18", toDay: "2026-02-19" },
                { fromDay: "2026-03-01", toDay: "2026-03-03" },
              ],
            },
          },
          { accountName: "Wallet", syncState: { historyStart: null, settled: [], gaps: [] } },
        ],
      },
    });
  }),
);

test(
  "platforms tell rates and durations of 30 days, in which interrupted runs do not count",
  withApi(async (t, api, owner) => {
    await stopClock(owner);
    const account = await linkMono(owner);
    const run = (status: string, kind: string | null, seconds: number, daysAgo: number): Promise<unknown> =>
      owner.query(
        `insert into app_public.sync_logs
           (account_id, user_id, platform_source, status, failure_kind, sync_started_at, sync_completed_at)
         values ($1, $2, 'mono', $3, $4, $5::timestamptz - make_interval(days => $6),
           $5::timestamptz - make_interval(days => $6, secs => -($7::float8)))`,
        [account.accountId, alice, status, kind, NOON, daysAgo, seconds],
      );
    await run("success", null, 2, 1);
    await run("success", null, 4, 2);
    await run("success", null, 6, 3);
    await run("failed", "transient", 8, 4);
    await run("failed", "interrupted", 3600, 5);
    await run("failed", "transient", 3600, 31);
    const { data } = await api.ask(
      "{ platformSyncStatus { platformSource label syncedVia accounts activeAccounts successRate medianDurationSeconds } }",
      {},
      await tokenOf(alice),
    );
    t.deepEqual(data, {
      platformSyncStatus: [
        {
          platformSource: "mono",
          label: "Mono",
          syncedVia: "Last synced via Mono",
          accounts: 1,
          activeAccounts: 1,
          successRate: 0.75,
          medianDurationSeconds: 5,
        },
        {
          platformSource: "mtn_momo",
          label: "MTN MoMo API",
          syncedVia: "Last synced via MTN MoMo API",
          accounts: 0,
          activeAccounts: 0,
          successRate: null,
          medianDurationSeconds: null,
        },
      ],
    });
  }),
);

const transactionPage = z.object({
  transactions: z.object({
    nodes: z.array(z.object({ id: z.string(), occurredOn: z.string() })),
    pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
  }),
});

test(
  "pages follow one another by cursor, each transaction once, the newest day first",
  withApi(async (t, api, owner) => {
    await stopClock(owner);
    const account = await linkMono(owner);
    const lease = await begin(owner, account);
    const rows = Array.from({ length: 25 }, (_, n) =>
      incoming(`t${n}`, `2026-03-${String(1 + (n % 9)).padStart(2, "0")}`),
    );
    await save(owner, page(leaseOf(lease), rows));
    const token = await tokenOf(alice);
    const seen: { id: string; occurredOn: string }[] = [];
    let after: string | null = null;
    for (let pages = 0; pages < 10; pages += 1) {
      const { data } = await api.ask(
        "query ($after: Cursor) { transactions(first: 7, after: $after) { nodes { id occurredOn } pageInfo { hasNextPage endCursor } } }",
        { after },
        token,
      );
      const { nodes, pageInfo } = transactionPage.parse(data).transactions;
      seen.push(...nodes);
      after = pageInfo.endCursor;
      if (!pageInfo.hasNextPage) break;
    }
    t.is(new Set(seen.map(({ id }) => id)).size, 25);
    t.is(seen.length, 25);
    const days = seen.map(({ occurredOn }) => occurredOn);
    t.deepEqual(days, days.toSorted().toReversed());
  }),
);

test(
  "a changed transaction shows its earlier version, and the user's own layer is theirs to write",
  withApi(async (t, api, owner) => {
    await stopClock(owner);
    const account = await linkMono(owner);
    const lease = leaseOf(await begin(owner, account));
    await save(owner, page(lease, [incoming("t1", "2026-03-05", { status: "pending" })]));
    await save(owner, page(lease, [incoming("t1", "2026-03-05", { status: "posted", amount: "101.00" })]));
    const token = await tokenOf(alice);
    const { id } = await rowOf(owner, "select id from app_public.transactions");
    const update = `mutation ($id: BigInt!, $patch: TransactionPatch!) {
      updateTransaction(input: { id: $id, patch: $patch }) { transaction { category note status amount
        revisions { nodes { revision kind status amount } } account { accountName } } } }`;
    t.deepEqual((await api.ask(update, { id, patch: { category: "rent", note: "March" } }, token)).data, {
      updateTransaction: {
        transaction: {
          category: "rent",
          note: "March",
          status: "posted",
          amount: "101.00",
          revisions: { nodes: [{ revision: 1, kind: "changed", status: "pending", amount: "100.00" }] },
          account: { accountName: "Salary" },
        },
      },
    });
    const refused = await api.ask(update, { id, patch: { amount: "1.00" } }, token);
    t.regex(refused.errors?.[0]?.message ?? "", /Field "amount" is not defined/);
    t.is(
      (await api.ask(update, { id, patch: { category: "x".repeat(101) } }, token)).errors?.[0]?.extensions?.code,
      "INPUT",
    );
  }),
);

/** A user of 20 accounts, each with 30 transactions and a run. */
async function settle(owner: Client): Promise<void> {
  await stopClock(owner);
  for (let n = 0; n < 20; n += 1) {
    const account = await linkMono(owner, { accountName: `Account ${n}` });
    const lease = leaseOf(await begin(owner, account));
    await save(
      owner,
      page(
        lease,
        Array.from({ length: 30 }, (_, nth) => incoming(`t${nth}`, "2026-03-05")),
      ),
    );
    await finish(owner, lease);
  }
}

const PAGE_OF_ACCOUNTS = `query ($first: Int!) { accounts(first: $first) { nodes {
  id accountName balance syncStatus lastSyncedAt syncState { phase nextSyncAt settled { fromDay toDay } gaps { fromDay toDay } }
  latestRun { status syncCompletedAt transactionsSynced }
  transactions(first: 5) { nodes { id amount occurredOn revisions(first: 1) { nodes { kind } } account { accountName } } }
} } }`;

test(
  "a page of accounts takes as many statements for 20 accounts as for one",
  withApi(async (t, api, owner) => {
    await settle(owner);
    const token = await tokenOf(alice);
    const statements = async (first: number): Promise<number> => {
      const before = api.statements();
      const { data } = await api.ask(PAGE_OF_ACCOUNTS, { first }, token);
      t.is(z.object({ accounts: z.object({ nodes: z.array(z.unknown()) }) }).parse(data).accounts.nodes.length, first);
      return api.statements() - before;
    };
    await statements(1);
    const one = await statements(1);
    t.is(await statements(20), one);
    // One transaction: begin, settings, a query each for accounts, transactions and revisions at most, commit.
    t.true(one <= 12, `${one} statements`);
  }),
);
