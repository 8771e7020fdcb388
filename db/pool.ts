import { Pool } from "pg";

/** The roles that processes act as; db/roles.sql makes them. */
export type Role = "app_owner" | "app_authenticator" | "app_visitor" | "app_service" | "app_worker" | "app_admin";

/**
 * A pool whose sessions act as `role` from their first statement on. The role is a start-up parameter, so that even
 * RESET ROLE leads back to it. A login that *is* the role already (one URL a process, the strictest set-up) works as
 * well: a role may always become itself.
 */
export function pgPool(options: { databaseUrl: string; role?: Role; max: number; name: string }): Pool {
  const pool = new Pool({
    connectionString: options.databaseUrl,
    max: options.max,
    application_name: options.name,
    ...(options.role === undefined ? {} : { options: `-c role=${options.role}` }),
    connectionTimeoutMillis: 10_000,
  });
  // A dropped connection fails the query that was running on it, and an idle one is replaced by the next query. Without
  // a listener, either would end the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}
