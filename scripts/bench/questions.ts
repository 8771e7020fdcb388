import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The operator's questions as `npm run psql` asks them, by their short names; what counts anew is no question. */
export async function questions(): Promise<{ name: string; sql: string }[]> {
  const psqlrc = await readFile(join(import.meta.dirname, "../../db/psqlrc"), "utf8");
  return [...psqlrc.matchAll(/^\\set ([a-z]+) '(.*);'$/gm)]
    .map(([, name = "", sql = ""]) => ({ name, sql: sql.replaceAll("\\'", "'") }))
    .filter(({ name }) => name !== "count");
}
