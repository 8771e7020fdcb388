import { randomBytes } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { z } from "zod";
import type { Environment } from "../db/environment.ts";
import { UsageError } from "./usage.ts";

const schema = z.object({
  databaseUrl: z.string(),
  serverUrl: z.url(),
  monoUrl: z.url(),
  momoUrl: z.url(),
  /** For the internal endpoints; absent where tokens are configured, since only their hashes are known then. */
  serviceToken: z.string().optional(),
});

/** Where a running `npm start` is reached. `databaseUrl` holds a password, `serviceToken` is one. */
export type Connection = z.infer<typeof schema>;

const fileIn = (data: string): string => join(data, "connection.json");

/**
 * Tells other commands where this `npm start` is reached.
 *
 * @param data the folder TIDEMARK_DATA
 */
export async function writeConnection(data: string, connection: Connection): Promise<void> {
  const file = fileIn(data);
  // Whoever reads sees a whole file or none; its owner only, because of the password.
  const draft = `${file}.${randomBytes(4).toString("hex")}`;
  await writeFile(draft, `${JSON.stringify(connection, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, file);
}

/** What writeConnection wrote, or null when nothing runs here. Throws UsageError for a file that nobody can use. */
export async function readConnection(data: string): Promise<Connection | null> {
  let text: string;
  try {
    text = await readFile(fileIn(data), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw new UsageError(`${readable(fileIn(data))} cannot be read; is it yours?`, { cause: error });
  }
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new UsageError(`${readable(fileIn(data))} is damaged; stop \`npm start\`, delete the file and start again.`);
}

/** Nothing runs here any more. */
export async function removeConnection(data: string): Promise<void> {
  await rm(fileIn(data), { force: true });
}

/** The database that a command is to work on, and the running `npm start` that it belongs to, if it is that one's. */
export type CommandDatabase = { databaseUrl: string; started: Connection | null };

/** DATABASE_URL, or else the database of the `npm start` that runs here. Throws UsageError when there is neither. */
export async function commandDatabase(
  environment: Pick<Environment, "DATABASE_URL" | "TIDEMARK_DATA">,
): Promise<CommandDatabase> {
  const { DATABASE_URL: databaseUrl, TIDEMARK_DATA: data } = environment;
  if (databaseUrl !== undefined) return { databaseUrl, started: null };
  const started = await readConnection(data);
  if (started !== null) return { databaseUrl: started.databaseUrl, started };
  throw new UsageError(
    "There is no database to work on: DATABASE_URL is not set, and no `npm start` runs here " +
      `(it would have written ${readable(fileIn(data))}). Set the one, or run the other in another terminal.`,
  );
}

const readable = (file: string): string => relative(process.cwd(), file) || file;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
