import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Signs the tokens of the demo's users. Made once and kept beside the demo's own database, so that whoever is signed in
 * stays so over a restart; it opens no other database.
 *
 * @param data the folder TIDEMARK_DATA
 */
export async function demoSigningSecret(data: string): Promise<string> {
  const file = join(data, "signing.secret");
  try {
    await writeFile(file, randomBytes(48).toString("base64url"), { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  return readFile(file, "utf8");
}
