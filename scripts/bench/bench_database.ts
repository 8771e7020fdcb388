import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pool } from "pg";
import { migrate } from "../../db/migrate.ts";
import { pgPool } from "../../db/pool.ts";
import { startPostgres } from "../postgres/embedded.ts";

/** A Postgres of the bench's own, durable as in production, on this machine. */
export type BenchDatabase = {
  url: string;
  /** The process whose children do the work. */
  processId: number;
  /** Arranges and looks at everything, past row level security. */
  admin: Pool;
  /** Acts as the workers do. */
  worker: Pool;
  close(): Promise<void>;
};

/** What a small server of a few GB would have. Commits wait for the disk, as they do in production. */
const SETTINGS = {
  shared_preload_libraries: "pg_stat_statements",
  max_connections: "300",
  shared_buffers: "512MB",
  max_wal_size: "4GB",
  checkpoint_timeout: "15min",
  jit: "off",
};

/** @param settings postgresql.conf names and values; they win over ours */
export async function openBenchDatabase(settings: Record<string, string> = {}): Promise<BenchDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-bench-"));
  // Where we are root, Postgres runs as another user, who must be able to enter.
  await chmod(folder, 0o755);
  const postgres = await startPostgres({
    version: 18,
    dataDir: join(folder, "postgres"),
    settings: { ...SETTINGS, ...settings },
    onNote: () => undefined,
  });
  const { url } = postgres;
  await migrate({ databaseUrl: url });
  const admin = pgPool({ databaseUrl: url, max: 4, name: "tidemark bench" });
  const worker = pgPool({ databaseUrl: url, role: "app_worker", max: 4, name: "tidemark bench" });
  await admin.query("create extension pg_stat_statements");
  await admin.query("create extension pg_walinspect");
  await admin.query("create extension pgstattuple");
  // What is measured is Tidemark, not a provider's limit.
  await admin.query("update app_private.quotas set requests = null");
  return {
    url,
    processId: postgres.process.pid ?? 0,
    admin,
    worker,
    async close() {
      await Promise.all([admin.end(), worker.end()]);
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
