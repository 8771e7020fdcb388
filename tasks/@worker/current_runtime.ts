import { loadEnvironment } from "../../db/environment.ts";
import { createLog } from "../../db/log.ts";
import { createRuntime, type Runtime } from "./runtime.ts";

let current: Promise<Runtime> | undefined;

/** The tasks of this process share this runtime from now on; undefined takes it back. */
export function provideRuntime(runtime: Runtime | undefined): void {
  current = runtime === undefined ? undefined : Promise.resolve(runtime);
}

/** The runtime of this process; made from the environment when graphile-worker's own command runs the tasks. */
export function currentRuntime(): Promise<Runtime> {
  current ??= fromEnvironmentOrNot();
  return current;
}

/** A database that is away for now must not be away for every later job as well. */
async function fromEnvironmentOrNot(): Promise<Runtime> {
  try {
    return await fromEnvironment();
  } catch (error) {
    current = undefined;
    throw error;
  }
}

async function fromEnvironment(): Promise<Runtime> {
  const environment = loadEnvironment();
  const log = createLog({ level: environment.LOG_LEVEL, process: "worker" });
  return createRuntime({ environment, log, concurrency: 4 });
}
