import { setTimeout as sleep } from "node:timers/promises";
import type { Environment } from "../db/environment.ts";
import { createMomoPlatform } from "../tasks/@providers/momo/platform.ts";
import { MONO_ZONE } from "../tasks/@providers/mono/mapping.ts";
import { createMonoPlatform } from "../tasks/@providers/mono/platform.ts";
import { momoEnvironment } from "../tasks/@providers/momo/environments.ts";
import type { Subject } from "../tasks/@providers/testing/contract_cases.ts";
import { leasedAccount } from "../tasks/@providers/testing/runs.ts";
import { addDays, dayIn } from "../tasks/@sync/days.ts";
import { createMemoryTokens } from "../tasks/@sync/memory_tokens.ts";
import type { Platform, SyncContext } from "../tasks/@sync/platform.ts";
import { UsageError } from "./usage.ts";

export type Contract = { subject: Subject; /** To be closed. */ platforms: Platform[] };

type Variables = Record<string, string | undefined>;

/** How far back the cases read. */
const DAYS = 30;

const TOO_LONG_MS = 10 * 60_000;

/**
 * An account of Mono's sandbox, by a `test_sk_` key. Each run may start a real-time session.
 * Throws UsageError when there are no keys.
 */
export function monoContract(environment: Environment, variables: Variables): Contract {
  const secretKey = environment.MONO_SECRET_KEY;
  const externalId = variables["CONTRACT_MONO_ACCOUNT"];
  if (secretKey === undefined || externalId === undefined) {
    throw noKeys("Mono", { MONO_SECRET_KEY: secretKey, CONTRACT_MONO_ACCOUNT: externalId });
  }
  if (!secretKey.startsWith("test_sk_")) {
    throw new UsageError("The contract is for Mono's sandbox: MONO_SECRET_KEY must be a test_sk_ key.");
  }
  const baseUrl = environment.MONO_BASE_URL;
  const platform = createMonoPlatform({ baseUrl, secretKey });
  const wrongKey = createMonoPlatform({ baseUrl, secretKey: `test_sk_${"0".repeat(20)}` });
  const today = dayIn(MONO_ZONE, new Date());
  const account = leasedAccount("mono", {
    externalId,
    windows: [{ source: "mono", from: addDays(today, -DAYS), to: today }],
  });
  const subject = {
    ...timeless(),
    platform,
    account,
    wrongKey: { platform: wrongKey, account },
    unknownAccount: { ...account, externalId: "f".repeat(24) },
    secrets: [secretKey],
  };
  return { subject, platforms: [platform, wrongKey] };
}

/**
 * A wallet of the environment that MOMO_TARGET_ENVIRONMENT names, MTN's sandbox unless told.
 * Throws UsageError when there are no keys.
 */
export function momoContract(environment: Environment, variables: Variables): Contract {
  const subscriptionKey = environment.MOMO_SUBSCRIPTION_KEY;
  const externalId = variables["CONTRACT_MOMO_API_USER"];
  const apiKey = variables["CONTRACT_MOMO_API_KEY"];
  if (subscriptionKey === undefined || externalId === undefined || apiKey === undefined) {
    throw noKeys("MTN MoMo", {
      MOMO_SUBSCRIPTION_KEY: subscriptionKey,
      CONTRACT_MOMO_API_USER: externalId,
      CONTRACT_MOMO_API_KEY: apiKey,
    });
  }
  const platform = createMomoPlatform({ subscriptionKey });
  const account = leasedAccount("mtn_momo", {
    externalId,
    currency: momoEnvironment(environment.MOMO_TARGET_ENVIRONMENT)?.currency ?? "EUR",
    baseUrl: environment.MOMO_BASE_URL,
    targetEnvironment: environment.MOMO_TARGET_ENVIRONMENT,
    credentials: { momo_api_key: apiKey },
  });
  const subject = {
    ...timeless(),
    platform,
    account,
    wrongKey: { platform, account: { ...account, credentials: { momo_api_key: "0".repeat(32) } } },
    unknownAccount: { ...account, externalId: "00000000-0000-4000-8000-000000000000" },
    secrets: [subscriptionKey, apiKey],
  };
  return { subject, platforms: [platform] };
}

function noKeys(provider: string, needed: Variables): UsageError {
  const missing = Object.keys(needed).filter((name) => needed[name] === undefined);
  return new UsageError(`${provider}'s sandbox was not asked: set ${missing.join(" and ")} to run the contract.`);
}

/** The parts of a subject that have to do with real time: nothing here moves a clock. */
function timeless(): Pick<Subject, "context" | "freshContext" | "waitUntil"> {
  const shared = newContext();
  return {
    context: (signal) => (signal === undefined ? shared : { ...shared, signal }),
    freshContext: newContext,
    waitUntil: (instant) => sleep(Math.max(0, Date.parse(instant) - Date.now())),
  };
}

function newContext(): SyncContext {
  const now = () => new Date();
  return {
    now,
    signal: AbortSignal.timeout(TOO_LONG_MS),
    permit: () => Promise.resolve(),
    tokens: createMemoryTokens(now),
    // A key of somebody's is not for a test to replace.
    renewKey: () => Promise.resolve(null),
  };
}
