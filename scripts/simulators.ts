/**
 * `npm run simulators`: the simulators of Mono and MTN MoMo by themselves, on the three ports after PORT, with what a
 * client needs to use them. They keep their state in TIDEMARK_DATA and stop on Ctrl-C.
 */

import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { loadEnvironment } from "../db/environment.ts";
import { startDemoSimulators } from "./demo/simulators.ts";
import { exitWithSentence } from "./usage.ts";

async function main(): Promise<void> {
  const { MONO_SECRET_KEY: _mono, MOMO_SUBSCRIPTION_KEY: _momo, ...environment } = loadEnvironment();
  const data = resolve(environment.TIDEMARK_DATA);
  await mkdir(data, { recursive: true });
  const simulators = await startDemoSimulators({ environment, data });
  const { mono, momo } = simulators;
  if (mono === null || momo === null) throw new Error("without keys, both simulators run");
  console.log(
    [
      `Mono       ${mono.url}`,
      `           MONO_BASE_URL=${mono.url} MONO_SECRET_KEY=${mono.secretKey}`,
      `MTN MoMo   ${momo.url}`,
      `           MOMO_BASE_URL=${momo.url} MOMO_TARGET_ENVIRONMENT=sandbox MOMO_SUBSCRIPTION_KEY=${momo.subscriptionKeys[0]}`,
      `Statement  ${momo.statementUrl}`,
      `Control    ${mono.url}/control/state and ${momo.url}/control/state`,
    ].join("\n"),
  );
  await new Promise<void>((stop) => {
    process.once("SIGINT", () => stop()).once("SIGTERM", () => stop());
  });
  await simulators.close();
}

main().catch(exitWithSentence);
