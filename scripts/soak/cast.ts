import type { Queryable } from "../../db/queryable.ts";
import type { Keyring } from "../../tasks/@credentials/keyring.ts";
import { linkNewAccount } from "../../tasks/@linking/link_new_account.ts";
import type { MonoSimulator } from "../simulators/mono/simulator.ts";
import type { MomoSimulator } from "../simulators/momo/simulator.ts";
import { randomFor, type Seed, uuidFor } from "../simulators/random.ts";

export type Providers = { mono: MonoSimulator; momo: MomoSimulator };

/** One linked account and who it is at its provider. */
export type Member =
  | { platform: "mono"; accountId: string; externalId: string }
  | { platform: "mtn_momo"; accountId: string; externalId: string; statement: boolean };

export type Bank = Extract<Member, { platform: "mono" }>;
export type Wallet = Extract<Member, { platform: "mtn_momo" }>;

/** Quiet and busy banks. 60 a week makes several pages of the first windows, 280 of every window. */
const PER_WEEK = [0, 2, 8, 20, 60, 280];

/** Opens accounts at the simulators and links them: three banks to one wallet. The same seed makes the same cast. */
export async function linkCast(
  { db, keyring, providers, seed }: { db: Queryable; keyring: Keyring; providers: Providers; seed: Seed },
  accounts: number,
): Promise<Member[]> {
  const cast: Member[] = [];
  for (let n = 0; n < accounts; n += 1) {
    const random = randomFor(seed, "cast", n);
    const accountId = uuidFor(seed, "account", n);
    const common = {
      userId: uuidFor(seed, "user", Math.floor(n / 3)),
      accountName: `account ${n}`,
      historyDays: random.int(10, 50),
      // Not an id drawn by the database: the jitter of retries hangs on it.
      resume: accountId,
    };
    if (n % 4 === 3) {
      const statement = random.chance(0.6);
      const wallet = providers.momo.createWallet({ balance: `${random.int(500, 90_000)}` });
      const { clientId, clientSecret, apiKey } = wallet.statement;
      await linkNewAccount(db, keyring, {
        ...common,
        platform: "mtn_momo",
        currency: wallet.currency,
        externalId: wallet.apiUser,
        baseUrl: wallet.baseUrl,
        targetEnvironment: wallet.targetEnvironment,
        timeZone: "Etc/UTC",
        statement,
        credentials: {
          momo_api_key: wallet.apiKey,
          momo_subscription_key: wallet.subscriptionKey,
          ...(statement
            ? {
                madapi_client_id: clientId,
                madapi_client_secret: clientSecret,
                madapi_api_key: apiKey,
                msisdn: wallet.msisdn,
              }
            : {}),
        },
      });
      cast.push({ platform: "mtn_momo", accountId, externalId: wallet.apiUser, statement });
    } else {
      const externalId = providers.mono.createAccount({
        institution: random.pick(["058", "044", "057", "033"]),
        historyDays: 60,
        perWeek: random.pick(PER_WEEK),
        lateShare: 0.1,
        realtime: { durationMs: random.pick([0, 0, 0, 20_000, 90_000]) },
      });
      await linkNewAccount(db, keyring, { ...common, platform: "mono", currency: "NGN", externalId });
      cast.push({ platform: "mono", accountId, externalId });
    }
  }
  return cast;
}
