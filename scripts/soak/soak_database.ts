import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, type Pool } from "pg";
import { migrate } from "../../db/migrate.ts";
import { pgPool } from "../../db/pool.ts";
import { startPostgres } from "../postgres/embedded.ts";

/** A Postgres of the soak's own, which it may crash. */
export type SoakDatabase = {
  /** As a login that is no superuser and owns the database. */
  url: string;
  login: Pool;
  /** Looks at everything. */
  owner: Pool;
  /** Acts as the workers do. */
  worker: Pool;
  /** A power cut, and the start after it. Resolves when it answers again. */
  crash(): Promise<void>;
  close(): Promise<void>;
};

export async function openSoakDatabase(): Promise<SoakDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-soak-"));
  // Where we are root, Postgres runs as another user, who must be able to enter.
  await chmod(folder, 0o755);
  const postgres = await startPostgres({
    version: 18,
    dataDir: join(folder, "postgres"),
    // What the server has written outlives the server, if not the machine: the machine is not crashed here. Commits
    // wait for that write (synchronous_commit stays on), or a crash would lose some that were answered.
    settings: { fsync: "off", max_connections: "200", jit: "off", max_wal_size: "2GB" },
    onNote: () => undefined,
  });
  const superuser = new Client({ connectionString: postgres.url });
  await superuser.connect();
  await superuser.query("create role soak login createrole password 'soak'");
  await superuser.query("create database soak owner soak");
  await superuser.end();
  const address = new URL(postgres.url);
  address.username = "soak";
  address.password = "soak";
  address.pathname = "/soak";
  const url = address.href;
  await migrate({ databaseUrl: url });

  const login = pgPool({ databaseUrl: url, max: 1, name: "tidemark soak" });
  const owner = pgPool({ databaseUrl: url, role: "app_owner", max: 4, name: "tidemark soak" });
  const worker = pgPool({ databaseUrl: url, role: "app_worker", max: 4, name: "tidemark soak" });
  return {
    url,
    login,
    owner,
    worker,
    async crash() {
      await postgres.crash();
      await postgres.restart();
    },
    async close() {
      await Promise.all([login.end(), owner.end(), worker.end()]);
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
