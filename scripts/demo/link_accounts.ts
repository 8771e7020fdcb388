import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { trackReference } from "../../db/queries/links.ts";
import { linkNewAccount } from "../../tasks/@linking/link_new_account.ts";
import type { Runtime } from "../../tasks/@worker/runtime.ts";
import type { MomoSimulator } from "../simulators/momo/simulator.ts";
import type { MonoSimulator } from "../simulators/mono/simulator.ts";
import { type DemoAccount, type DemoUser, demoUsers } from "./people.ts";
import type { DemoSimulators } from "./simulators.ts";

type Stage = {
  databaseUrl: string;
  runtime: Runtime;
  simulators: DemoSimulators;
  /** Where MTN calls when a payment ends. */
  serverUrl: string;
};

/** Opens the demo users' accounts at the simulators and links them; accounts of an earlier start are left as they are. */
export async function linkDemoAccounts({ databaseUrl, runtime, simulators, serverUrl }: Stage): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ known: string }>(
      "select user_id || ' ' || account_name as known from app_public.accounts",
    );
    const known = new Set(rows.map((row) => row.known));
    for (const user of demoUsers) {
      for (const account of user.accounts) {
        if (known.has(`${user.id} ${account.name}`)) continue;
        if (account.platform === "mono" && simulators.mono !== null) {
          await linkBank(runtime, simulators.mono, user, account);
        } else if (account.platform === "mtn_momo" && simulators.momo !== null) {
          await linkWallet(runtime, simulators.momo, user, account, serverUrl);
        }
      }
      if (user.interval !== null) await chooseInterval(client, user.id, user.interval);
    }
  } finally {
    await client.end();
  }
}

async function linkBank(
  runtime: Runtime,
  simulator: MonoSimulator,
  user: DemoUser,
  account: Extract<DemoAccount, { platform: "mono" }>,
): Promise<void> {
  const { institution, type, perWeek, historyDays } = account;
  const externalId = simulator.createAccount({ institution, type, perWeek, historyDays, name: user.name });
  const atBank = simulator.state().accounts.find(({ id }) => id === externalId);
  await linkNewAccount(runtime.db, runtime.keyring, {
    userId: user.id,
    platform: "mono",
    accountName: account.name,
    currency: "NGN",
    externalId,
    institution,
    // Breakers, pauses and the operator's views go by it.
    institutionCode: atBank?.bankCode,
  });
}

async function linkWallet(
  runtime: Runtime,
  simulator: MomoSimulator,
  user: DemoUser,
  account: Extract<DemoAccount, { platform: "mtn_momo" }>,
  serverUrl: string,
): Promise<void> {
  const wallet = simulator.createWallet({ balance: account.balance, callbackHost: new URL(serverUrl).hostname });
  const { statement } = wallet;
  const linked = await linkNewAccount(runtime.db, runtime.keyring, {
    userId: user.id,
    platform: "mtn_momo",
    accountName: account.name,
    currency: wallet.currency,
    externalId: wallet.apiUser,
    institution: "MTN MoMo",
    baseUrl: wallet.baseUrl,
    targetEnvironment: wallet.targetEnvironment,
    timeZone: "Etc/UTC",
    statement: account.statement,
    credentials: {
      momo_api_key: wallet.apiKey,
      momo_subscription_key: wallet.subscriptionKey,
      ...(account.statement
        ? {
            madapi_client_id: statement.clientId,
            madapi_client_secret: statement.clientSecret,
            madapi_api_key: statement.apiKey,
            msisdn: wallet.msisdn,
          }
        : {}),
    },
  });
  // Somebody's app asked these payers for money: one pays at once, one refuses, one takes half a minute.
  for (const [amount, payer] of [
    ["12.50", "46733123499"],
    ["7.00", "46733123451"],
    ["30.00", "46733123454"],
  ] as const) {
    const referenceId = randomUUID();
    simulator.createPayment(wallet.apiUser, {
      amount,
      payer,
      referenceId,
      payerMessage: "Market stall",
      callbackUrl: `${serverUrl}/webhooks/mtn-momo/${referenceId}`,
    });
    await trackReference(runtime.db, { accountId: linked.accountId, referenceId });
  }
}

async function chooseInterval(client: Client, userId: string, interval: string): Promise<void> {
  await client.query("select set_config('tidemark.user_id', $1, false)", [userId]);
  for (const platform of ["mono", "mtn_momo"]) {
    await client.query("select app_public.choose_sync_settings($1, $2)", [platform, interval]);
  }
}
