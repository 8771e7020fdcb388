/**
 * The text of TIDEMARK_SERVICE_TOKENS: `name:sha256:hex,name2:sha256:hex`. Only hashes are configured, so that whoever reads
 * the environment holds no token. Several are valid at once, also under one name: that is how one is replaced.
 *
 * Parsed here, and not beside the server, so that a bad entry is reported together with every other problem of the
 * environment. A plain SHA-256 is enough for a token of 32 random bytes, and for nothing that a person thought of.
 */

import { createHash, timingSafeEqual } from "node:crypto";

export type ServiceToken = {
  /** Who holds it, for the log. */
  name: string;
  /** SHA-256 of the token, 32 bytes. */
  hash: Buffer;
};

/** The text cannot be used. `problems` tell which entry (by position) and why; no part of the text is ever repeated. */
export class ServiceTokensError extends Error {
  override readonly name = "ServiceTokensError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("; "));
    this.problems = problems;
  }
}

const NAME = /^[A-Za-z0-9._-]{1,32}$/;

/** Parses the tokens. Throws ServiceTokensError with all problems at once. */
export const parseServiceTokens = (text: string): ServiceToken[] => {
  const problems: string[] = [];
  const tokens: ServiceToken[] = [];
  for (const [index, entry] of text.split(",").entries()) {
    const parsed = parseEntry(entry.trim());
    if (typeof parsed === "string") problems.push(`entry ${index + 1} ${parsed}`);
    else if (tokens.some(({ hash }) => hash.equals(parsed.hash))) {
      // Removing one of them would look like taking the token back.
      problems.push(`entry ${index + 1} repeats the hash of an earlier one`);
    } else tokens.push(parsed);
  }
  if (problems.length > 0) throw new ServiceTokensError(problems);
  return tokens;
};

const parseEntry = (entry: string): ServiceToken | string => {
  const [name = "", algorithm, hex = "", ...rest] = entry.split(":");
  if (!NAME.test(name)) return "has a name that is not 1 to 32 letters, digits, dots, dashes or underscores";
  if (algorithm !== "sha256" || rest.length > 0)
    return "is not name:sha256:hash: tokens themselves are not accepted here";
  if (!/^[0-9a-f]{64}$/i.test(hex)) return "has a hash that is not 64 hexadecimal digits";
  return { name, hash: Buffer.from(hex, "hex") };
};

/** Who holds the token of an Authorization header; null for nobody. Compares hashes, all of them, in a time that does not tell which fits. */
export function holderOf(tokens: readonly ServiceToken[], authorization: string | undefined): string | null {
  const [, token] = /^bearer +(\S+)$/i.exec(authorization ?? "") ?? [];
  if (token === undefined) return null;
  const hash = createHash("sha256").update(token).digest();
  let holder: string | null = null;
  for (const { name, hash: known } of tokens) if (timingSafeEqual(hash, known)) holder = name;
  return holder;
}
