/**
 * `npm run simulators`: the simulators of Mono, MTN MoMo, OneSignal and a push service by themselves, on the five ports
 * after PORT, with what a client needs to use them. They keep their state in TIDEMARK_DATA and stop on Ctrl-C.
 */

import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { loadEnvironment } from "../db/environment.ts";
import { startDemoSimulators } from "./demo/simulators.ts";
import { exitWithSentence } from "./usage.ts";

async function main(): Promise<void> {
  const {
    MONO_SECRET_KEY: _mono,
    MOMO_SUBSCRIPTION_KEY: _momo,
    ONESIGNAL_API_KEY: _oneSignal,
    ...environment
  } = loadEnvironment();
  const data = resolve(environment.TIDEMARK_DATA);
  await mkdir(data, { recursive: true });
  const simulators = await startDemoSimulators({ environment, data });
  const { mono, momo, oneSignal, pushService } = simulators;
  if (mono === null || momo === null || oneSignal === null) throw new Error("without keys, all simulators run");
  const certificate = join(data, "push-service.pem");
  await writeFile(certificate, pushService.certificate);
  console.log(
    [
      `Mono       ${mono.url}`,
      `           MONO_BASE_URL=${mono.url} MONO_SECRET_KEY=${mono.secretKey}`,
      `MTN MoMo   ${momo.url}`,
      `           MOMO_BASE_URL=${momo.url} MOMO_TARGET_ENVIRONMENT=sandbox MOMO_SUBSCRIPTION_KEY=${momo.subscriptionKeys[0]}`,
      `Statement  ${momo.statementUrl}`,
      `OneSignal  ${oneSignal.url}`,
      `           ONESIGNAL_BASE_URL=${oneSignal.url} ONESIGNAL_APP_ID=${oneSignal.appId} ONESIGNAL_API_KEY=${oneSignal.apiKey}`,
      `Web Push   ${pushService.url}`,
      `           NODE_EXTRA_CA_CERTS=${certificate}`,
      `Control    /control/state at ${[mono, momo, oneSignal, pushService].map(({ url }) => url).join(", ")}`,
    ].join("\n"),
  );
  await new Promise<void>((stop) => {
    process.once("SIGINT", () => stop()).once("SIGTERM", () => stop());
  });
  await simulators.close();
}

main().catch(exitWithSentence);
