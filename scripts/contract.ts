/**
 * `npm run contract -- mono|mtn_momo`: asks a provider's real sandbox whether it still is what the simulator takes it
 * for. It runs those cases of the conformance suite that only read; `npm test` never does, for want of keys.
 *
 *   mono      MONO_SECRET_KEY (test_sk_…) and CONTRACT_MONO_ACCOUNT, the id of a linked account
 *   mtn_momo  MOMO_SUBSCRIPTION_KEY, CONTRACT_MOMO_API_USER and CONTRACT_MOMO_API_KEY
 *
 * Ends with 0 when everything holds, 1 when something does not, 2 when there are no keys to ask with.
 */

import { loadEnvironment } from "../db/environment.ts";
import type { Platform } from "../tasks/@sync/platform.ts";
import { type PlatformSource, platformSource } from "../db/queries/runs.ts";
import { contractCases } from "../tasks/@providers/testing/contract_cases.ts";
import { momoContract, monoContract } from "./contract_subjects.ts";
import { readCommandLine } from "./arguments.ts";
import { exitWithSentence, UsageError } from "./usage.ts";

const HELP = `npm run contract -- mono|mtn_momo: asks a provider's real sandbox whether it still is what the simulator takes it for.
  mono      MONO_SECRET_KEY (test_sk_…) and CONTRACT_MONO_ACCOUNT, the id of a linked account
  mtn_momo  MOMO_SUBSCRIPTION_KEY, CONTRACT_MOMO_API_USER and CONTRACT_MOMO_API_KEY`;

async function main(): Promise<void> {
  const open = { mono: monoContract, mtn_momo: momoContract }[readArguments()];
  const environment = loadEnvironment();
  const { subject, platforms } = open(environment, process.env);
  let broken = 0;
  try {
    for (const { title, check } of contractCases) {
      const problems = await check(subject);
      broken += problems.length;
      console.log(`${problems.length === 0 ? "✔" : "✘"} ${title}`);
      for (const problem of new Set(problems)) console.log(`    ${problem}`);
    }
  } finally {
    await Promise.all(platforms.map((platform: Platform) => platform.close()));
  }
  process.exitCode = broken === 0 ? 0 : 1;
}

function readArguments(): PlatformSource {
  const { positionals } = readCommandLine(HELP, { allowPositionals: true });
  const platform = platformSource.safeParse(positionals[0]);
  if (!platform.success || positionals.length !== 1) {
    throw new UsageError(`Which provider? npm run contract -- ${platformSource.options.join("|")}`);
  }
  return platform.data;
}

main().catch(exitWithSentence);
