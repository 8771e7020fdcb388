/**
 * Loaded into a worker by scripts/bench/observability.ts (`node --import`): SIGUSR2 switches metrics and log off, and on again.
 * Nobody else needs to, so that Tidemark itself has no such switch.
 */

import { currentRuntime } from "../../tasks/@worker/current_runtime.ts";

const nothing = (): void => {};

async function switchOver(): Promise<void> {
  const { log, metrics } = await currentRuntime();
  const isOn = log.level !== "silent";
  // Each job's own log takes its level from this one when it is made.
  log.level = isOn ? "silent" : "info";
  for (const count of ["runEnded", "providerAnswered", "heartbeat"] as const) {
    if (isOn) Object.defineProperty(metrics, count, { value: nothing, configurable: true });
    else Reflect.deleteProperty(metrics, count);
  }
}

process.on("SIGUSR2", () => void switchOver());
