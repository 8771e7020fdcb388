import { WorkerPreset } from "graphile-worker";
import { loadEnvironment } from "./db/environment.ts";
import { completion } from "./tasks/@worker/completion.ts";

const { DATABASE_URL } = loadEnvironment();

/**
 * What graphile's own commands start from. `npx graphile-worker` runs all tasks in one pool; `npm run worker` is the
 * better way, with a pool for each platform and a graceful stop, but either is safe: a task registers its worker before it
 * holds a lease.
 */
const preset: GraphileConfig.Preset = {
  extends: [WorkerPreset],
  worker: {
    ...(DATABASE_URL === undefined ? {} : { connectionString: asWorker(DATABASE_URL) }),
    taskDirectory: `${import.meta.dirname}/tasks`,
    crontabFile: `${import.meta.dirname}/crontab`,
    concurrentJobs: 8,
    ...completion,
  },
};

export default preset;

/** app_worker owns graphile_worker's schema; another role would be stopped by its row level security. */
function asWorker(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.searchParams.set("options", "-c role=app_worker");
  return url.href;
}
