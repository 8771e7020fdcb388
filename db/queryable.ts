/**
 * What a query function needs of a database: a `pg` pool, client or pooled client, or a stand-in in a test.
 *
 * Rows come back `unknown` on purpose: each function in db/queries parses what it reads, so nothing downstream rests
 * on a hope about the schema.
 */
export type Queryable = {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
};
