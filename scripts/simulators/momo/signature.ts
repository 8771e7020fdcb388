/** Tokens that need no memory: signed with a secret of the seed, so that a restarted simulator still knows them. */
import { createHmac } from "node:crypto";
import type { Seed } from "../random.ts";

export function sign(seed: Seed, purpose: string, text: string): string {
  return createHmac("sha256", `tidemark simulator ${seed}`).update(`${purpose}\n${text}`).digest("base64url");
}
