import type { FastifyPluginAsync } from "fastify";
import type { Pool } from "pg";
import { knownMigrations } from "../../db/migrate.ts";
import { appliedMigrations, readiness } from "../../db/queries/dispatch.ts";

/** A dispatcher that has not ticked for longer than this is taken for dead; it ticks every minute. */
const LONGEST_SILENCE_SECONDS = 120;

type Readiness = { ready: boolean; checks: Record<string, string>; notes?: string[] };

/** `/healthz`: this process answers. `/readyz`: and what it depends on works as well. */
export const healthRoutes: FastifyPluginAsync<{ db: Pool }> = async (app, { db }) => {
  app.get("/healthz", () => ({ status: "ok" }));
  app.get("/readyz", async (request, reply) => {
    const found = await check(db).catch((error: unknown): Readiness => {
      request.log.error({ err: error }, "readiness could not be checked");
      return { ready: false, checks: { database: "cannot be reached" } };
    });
    return reply.code(found.ready ? 200 : 503).send(found);
  });
};

/**
 * Ready: the database answers, no migration of this code is missing, and every dispatcher ticked in two minutes. A database
 * that is ahead is what every upgrade begins with, and works with the code before it (db/CONVENTIONS.md); it is only told.
 */
async function check(db: Pool): Promise<Readiness> {
  const [known, applied, dispatchers] = await Promise.all([knownMigrations(), appliedMigrations(db), readiness(db)]);
  const missing = known.filter((name) => !applied.includes(name));
  const newer = applied.filter((name) => !known.includes(name));
  const checks: Record<string, string> = {
    database: "ok",
    migrations: missing.length > 0 ? `not applied: ${missing.join(", ")}` : "ok",
  };
  for (const { platform_source: platform, seconds_ago: seconds } of dispatchers) {
    checks[`dispatcher ${platform}`] =
      seconds === null
        ? "has never ticked"
        : seconds <= LONGEST_SILENCE_SECONDS
          ? "ok"
          : `last ticked ${Math.round(seconds)} s ago`;
  }
  const ready = Object.values(checks).every((value) => value === "ok");
  return {
    ready,
    checks,
    ...(newer.length > 0 ? { notes: [`the database is newer than this code: ${newer.join(", ")}`] } : {}),
  };
}
