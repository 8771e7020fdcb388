/**
 * `npm run simulators`: the simulators of Mono, MTN MoMo, OneSignal and a push service by themselves, on the five ports
 * after PORT, with what a client needs to use them. They keep their state in TIDEMARK_DATA and stop on Ctrl-C.
 */

import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { loadEnvironment } from "../db/environment.ts";
import { takesNoArguments } from "./arguments.ts";
import { readConnection } from "./connection.ts";
import { startDemoSimulators } from "./demo/simulators.ts";
import { exitWithSentence, UsageError } from "./usage.ts";

const HELP = `npm run simulators: the simulators of Mono, MTN MoMo, OneSignal and a push service by themselves, until Ctrl-C.
It takes no arguments. They listen on the five ports after PORT and keep their state in TIDEMARK_DATA.`;

async function main(): Promise<void> {
  takesNoArguments(HELP);
  const {
    MONO_SECRET_KEY: _mono,
    MOMO_SUBSCRIPTION_KEY: _momo,
    ONESIGNAL_API_KEY: _oneSignal,
    ...environment
  } = loadEnvironment();
  const data = resolve(environment.TIDEMARK_DATA);
  await refuseBesideStart(data);
  await mkdir(data, { recursive: true });
  const simulators = await startDemoSimulators({ environment, data });
  const { mono, momo, oneSignal, pushService } = simulators;
  if (mono === null || momo === null || oneSignal === null) throw new Error("without keys, all simulators run");
  const certificate = join(data, "push-service.pem");
  await writeFile(certificate, pushService.certificate);
  // Whoever reads where they are may stop them from then on.
  const stopped = new Promise<void>((stop) => {
    process.once("SIGINT", () => stop()).once("SIGTERM", () => stop());
  });
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
  await stopped;
  await simulators.close();
}

/** Two that keep their state in the same files would each lose what the other was told. */
async function refuseBesideStart(data: string): Promise<void> {
  const started = await readConnection(data);
  if (started === null) return;
  for (const url of [started.monoUrl, started.momoUrl]) {
    if (!(await isSimulator(url))) continue;
    throw new UsageError(
      `\`npm start\` runs here with simulators of its own (${started.monoUrl}, ${started.momoUrl}): ` +
        "use those, or set PORT and TIDEMARK_DATA for others.",
    );
  }
}

async function isSimulator(url: string): Promise<boolean> {
  if (new URL(url).hostname !== "127.0.0.1") return false;
  try {
    return (await fetch(new URL("/control/state", url), { signal: AbortSignal.timeout(30_000) })).ok;
  } catch {
    // Nobody is there: that start was cut off and left its connection.json behind.
    return false;
  }
}

main().catch(exitWithSentence);
