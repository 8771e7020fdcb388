import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { migrate } from "../db/migrate.ts";
import { startPostgres } from "./postgres/embedded.ts";

/** Calls `body` with a database that has just been migrated, and throws it away. */
export async function withMigratedDatabase(body: (databaseUrl: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-gen-"));
  // Where we are root, Postgres runs as another user, who must be able to enter.
  await chmod(folder, 0o755);
  const postgres = await startPostgres({
    version: 18,
    dataDir: join(folder, "postgres"),
    settings: { fsync: "off", synchronous_commit: "off", full_page_writes: "off" },
  });
  try {
    await migrate({ databaseUrl: postgres.url });
    await body(postgres.url);
  } finally {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** One session there, for whoever reads the catalogue. */
export async function onSession<Result>(databaseUrl: string, make: (db: Client) => Promise<Result>): Promise<Result> {
  const db = new Client({ connectionString: databaseUrl, application_name: "tidemark gen" });
  await db.connect();
  try {
    return await make(db);
  } finally {
    await db.end();
  }
}
