import test, { type ExecutionContext } from "ava";
import type { Client } from "pg";
import { z } from "zod";
import { valueOf } from "../../db/testing/ask.ts";
import { asOwner, asUser } from "../../db/testing/roles.ts";
import { alice, linkMono } from "../../db/testing/world.ts";
import { type Api, tokenOf, withApi } from "../testing/graphql_api.ts";

const QUESTIONS = {
  accounts: `{ accounts(first: 20) { nodes {
    id accountName platformSource balance currency syncStatus lastSyncedAt coverageThrough
    syncState { phase nextSyncAt coolingDownUntil gaps { fromDay toDay } }
    latestRun { status syncStartedAt syncCompletedAt transactionsSynced failureKind }
  } } }`,
  transactions:
    "{ transactions(first: 50) { nodes { id amount occurredOn narration status } pageInfo { endCursor } } }",
  platforms: "{ platformSyncStatus { accounts successRate medianDurationSeconds } }",
};
type Question = keyof typeof QUESTIONS;

/** A user with 20 accounts and 30 days of their runs, and 380 accounts of others. */
async function arrange(owner: Client): Promise<void> {
  for (let n = 0; n < 20; n += 1) await linkMono(owner, { accountName: `Account ${n}` });
  await owner.query(`insert into app_public.accounts
      (user_id, account_name, account_type, platform_source, currency, mono_account_id, linked_at)
    select gen_random_uuid(), 'Other ' || n, 'bank', 'mono', 'NGN', 'other-' || n, now() from generate_series(1, 380) n`);
  await owner.query(`insert into app_public.sync_logs
      (account_id, user_id, platform_source, status, sync_started_at, sync_completed_at)
    select a.id, a.user_id, 'mono', 'success', now() - n * interval '1 day', now() - n * interval '1 day' + interval '2 s'
    from app_public.accounts a, generate_series(30, 1, -1) n`);
  await owner.query("alter table app_public.transactions disable trigger user");
}

/** So many transactions of each account, numbered from `first`. */
async function addTransactions(owner: Client, first: number, last: number): Promise<void> {
  await owner.query(
    `insert into app_public.transactions (account_id, user_id, source, provider_transaction_id, status,
       direction, amount, currency, occurred_at, occurred_on, narration, first_seen_at, run_id)
     select a.id, a.user_id, 'mono', 't' || n, 'posted', 'debit', n, 'NGN', now(), current_date - (n % 365), 'payment ' || n, now(), 1
     from app_public.accounts a, generate_series($1::int, $2::int) n`,
    [first, last],
  );
  await owner.query("vacuum analyze app_public.transactions");
}

const plans = z.tuple([
  z.object({ Plan: z.object({ "Shared Hit Blocks": z.number(), "Shared Read Blocks": z.number() }) }),
]);

/** How many blocks of tables and indexes the statement behind a question touches; asked by hand, after a first time. */
async function blocksOf(t: ExecutionContext, api: Api, owner: Client, question: Question): Promise<number> {
  const { errors } = await api.ask(QUESTIONS[question], {}, await tokenOf(alice));
  t.is(errors, undefined);
  const { text, values } = api.lastQuery();
  const explain = () => valueOf(owner, `explain (analyze, buffers, format json) ${text}`, values);
  await asUser(owner, alice);
  await explain();
  const [{ Plan: plan }] = plans.parse(await explain());
  await asOwner(owner);
  return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
}

/** Times are those of the server: from a request's arrival until its answer has been handed over. Printed for ARCHITECTURE. */
async function tellTimes(t: ExecutionContext, api: Api, question: Question): Promise<void> {
  const token = await tokenOf(alice);
  for (let n = 0; n < 50; n += 1) await api.ask(QUESTIONS[question], {}, token);
  const before = api.times().length;
  for (let n = 0; n < 300; n += 1) await api.ask(QUESTIONS[question], {}, token);
  const sorted = api
    .times()
    .slice(before)
    .toSorted((a, b) => a - b);
  t.log(
    `${question}: median ${sorted[150]?.toFixed(1)} ms, 95th percentile ${sorted[285]?.toFixed(1)} ms in the server`,
  );
}

test(
  "pages cost what they show, whether there are eight thousand transactions or a million",
  withApi(
    async (t, api, owner) => {
      t.timeout(600_000);
      await arrange(owner);
      const questions: Question[] = ["accounts", "transactions", "platforms"];
      await addTransactions(owner, 1, 20);
      await owner.query("vacuum analyze");
      const few: Record<string, number> = {};
      for (const question of questions) few[question] = await blocksOf(t, api, owner, question);
      await addTransactions(owner, 21, 2500);
      t.is(await valueOf(owner, "select count(*)::int from app_public.transactions"), 1_000_000);
      for (const question of questions) {
        const many = await blocksOf(t, api, owner, question);
        // An index of a million rows is a level deeper, and its 50 rows lie on pages of their own.
        const most = (few[question] ?? 0) + (question === "transactions" ? 60 : 0);
        t.true(many <= most, `${question}: ${many} blocks instead of ${few[question]}`);
        t.log(`${question}: ${many} blocks, ${few[question]} among 8,000`);
      }
      const statements = api.statements();
      await api.ask(QUESTIONS.accounts, {}, await tokenOf(alice));
      t.is(api.statements() - statements, 4, "begin, who asks, the page, commit");
      for (const question of questions) await tellTimes(t, api, question);

      // The control: an account's count of transactions would be found.
      const honest = await blocksOf(t, api, owner, "accounts");
      await owner.query(`create or replace function app_public.accounts_latest_run(account app_public.accounts)
        returns app_public.sync_logs language sql stable set search_path = pg_catalog, pg_temp as $$
        select l.* from app_public.sync_logs l where l.account_id = account.id and l.user_id = account.user_id
          and (select count(*) from app_public.transactions t where t.account_id = account.id) > 0
        order by l.id desc limit 1 $$`);
      t.true((await blocksOf(t, api, owner, "accounts")) > 2 * honest);
    },
    { rateLimits: { user: 100_000, address: 100_000 } },
  ),
);
