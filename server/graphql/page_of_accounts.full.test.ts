import test from "ava";
import { rowsOf } from "../../db/testing/ask.ts";
import { alice, linkMono } from "../../db/testing/world.ts";
import { tokenOf, withApi } from "../testing/graphql_api.ts";

const QUERY = `{ accounts(first: 20) { nodes {
  id accountName platformSource balance currency syncStatus lastSyncedAt coverageThrough
  syncState { phase nextSyncAt coolingDownUntil gaps { fromDay toDay } }
  latestRun { status syncStartedAt syncCompletedAt transactionsSynced failureKind }
} } }`;

const FEED = "{ transactions(first: 50) { nodes { id amount occurredOn narration status } pageInfo { endCursor } } }";

/**
 * A user with 20 accounts, 50,000 transactions and 30 days of runs among a million transactions. Times are printed, for
 * README and ARCHITECTURE; what is asserted is that nothing is read that the answer does not need.
 */
test(
  "a page of accounts, and of transactions, among a million",
  withApi(
    async (t, api, owner) => {
      t.timeout(600_000);
      for (let n = 0; n < 20; n += 1) await linkMono(owner, { accountName: `Account ${n}` });
      await owner.query(`insert into app_public.accounts
          (user_id, account_name, account_type, platform_source, currency, mono_account_id, linked_at)
        select gen_random_uuid(), 'Other ' || n, 'bank', 'mono', 'NGN', 'other-' || n, now() from generate_series(1, 380) n`);
      await owner.query("alter table app_public.transactions disable trigger user");
      await owner.query(`insert into app_public.transactions (account_id, user_id, source, provider_transaction_id, status,
          direction, amount, currency, occurred_at, occurred_on, narration, first_seen_at, run_id)
        select a.id, a.user_id, 'mono', 't' || n, 'posted', 'debit', n, 'NGN', now(), current_date - (n % 365), 'payment ' || n, now(), 1
        from app_public.accounts a, generate_series(1, 2500) n`);
      await owner.query(`insert into app_public.sync_logs
          (account_id, user_id, platform_source, status, sync_started_at, sync_completed_at)
        select a.id, a.user_id, 'mono', 'success', now() - n * interval '1 day', now() - n * interval '1 day' + interval '2 s'
        from app_public.accounts a, generate_series(30, 1, -1) n`);
      await owner.query("analyze");
      const token = await tokenOf(alice);
      for (const [what, query] of [
        ["accounts", QUERY],
        ["transactions", FEED],
        ["platforms", "{ platformSyncStatus { accounts successRate medianDurationSeconds } }"],
      ] as const) {
        for (let n = 0; n < 20; n += 1) t.is((await api.ask(query, {}, token)).errors, undefined);
        const times: number[] = [];
        for (let n = 0; n < 200; n += 1) {
          const started = performance.now();
          await api.ask(query, {}, token);
          times.push(performance.now() - started);
        }
        const sorted = times.toSorted((a, b) => a - b);
        t.log(
          `${what}: median ${sorted[100]?.toFixed(1)} ms, 95th percentile ${sorted[190]?.toFixed(1)} ms, over HTTP`,
        );
      }
      await owner.query("select set_config('tidemark.user_id', $1, false), set_config('role', 'app_visitor', false)", [
        alice,
      ]);
      const plan = JSON.stringify(
        await rowsOf(
          owner,
          `explain (analyze, buffers, format json)
           select id from app_public.transactions order by occurred_on desc, id desc limit 51`,
        ),
      );
      t.regex(plan, /transactions_user_day_idx/);
      t.notRegex(plan, /Seq Scan/);
    },
    { rateLimits: { user: 100_000, address: 100_000 } },
  ),
);
