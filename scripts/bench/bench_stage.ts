import { randomBytes } from "node:crypto";
import { openBenchDatabase, type BenchDatabase } from "./bench_database.ts";
import { startWorkers, type BenchWorkers } from "./bench_workers.ts";
import { startCannedProvider, type CannedProvider } from "./canned_provider.ts";

/** Postgres, a canned provider, and workers as many as are asked for; all of it ends with the bench. */
export type BenchStage = {
  database: BenchDatabase;
  provider: CannedProvider;
  environment: Record<string, string>;
  startWorkers: (options: { many: number; concurrency: number; node?: string[] }) => Promise<BenchWorkers>;
};

export async function onStage<T>(body: (stage: BenchStage) => Promise<T>): Promise<T> {
  const database = await openBenchDatabase();
  const closing: (() => Promise<void>)[] = [() => database.close()];
  try {
    const provider = await startCannedProvider();
    closing.push(() => provider.close());
    const environment = {
      DATABASE_URL: database.url,
      TIDEMARK_ENCRYPTION_KEYS: `bench:${randomBytes(32).toString("base64")}`,
      MONO_BASE_URL: provider.url,
      MONO_SECRET_KEY: "test_sk_bench",
    };
    return await body({
      database,
      provider,
      environment,
      startWorkers: async (options) => {
        const workers = await startWorkers({ environment, ...options });
        closing.push(() => workers.stop());
        return workers;
      },
    });
  } finally {
    for (const close of closing.toReversed()) await close();
  }
}
