// oxlint-disable-next-line import/no-unassigned-import -- sets what Graphile reads when it is loaded
import "./graphile_environment.ts";
import type { Pool } from "pg";
import { makeSchema } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { printSchema } from "postgraphile/graphql";
import { apiPreset } from "./preset.ts";

/** The database as PostGraphile sees it: what a visitor may see, whoever the pool is. */
export const pgService = (pool: Pool): GraphileConfig.PgServiceConfiguration =>
  makePgService({
    pool,
    schemas: ["app_public"],
    pgSettingsForIntrospection: { role: "app_visitor" },
    // server/live_events.ts listens, once for all.
    pubsub: false,
  });

/** The API's schema and the preset it was made by. Reads the catalogue of the database; takes half a second. */
export function makeApiSchema(pool: Pool, preset: GraphileConfig.Preset = {}): ReturnType<typeof makeSchema> {
  return makeSchema({ extends: [apiPreset, preset], pgServices: [pgService(pool)] });
}

/** The API's schema as a text: server/schema.graphql, made by `npm run gen`. */
export async function printApiSchema(pool: Pool): Promise<string> {
  const { schema } = await makeApiSchema(pool);
  return `# Made by \`npm run gen\` from the database and server/plugins. Review it, do not edit it.\n\n${printSchema(schema)}\n`;
}
