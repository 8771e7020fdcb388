import { createHmac } from "node:crypto";
import type { PlatformSource } from "../../db/queries/runs.ts";

/** What tells a bank account from every other, whoever links it and how often. Never stored, never logged. */
export type BankAccount = { institutionCode: string; number: string; type: string };

/**
 * A bank account as a provider describes it; undefined where a part is missing, since two accounts that only seem the
 * same must not become one.
 */
export function bankAccountOf(details: {
  institutionCode: string | null;
  accountNumber: string | null;
  accountType: string | null;
}): BankAccount | undefined {
  const [institutionCode, number, type] = [details.institutionCode, details.accountNumber, details.accountType].map(
    (text) => text?.trim() ?? "",
  );
  if (!institutionCode || !number || !type) return undefined;
  // A masked number is the same for many.
  return /^[\dA-Za-z]+$/.test(number) ? { institutionCode, number, type: type.toUpperCase() } : undefined;
}

/** links.identity_hmac: recognises the same bank account behind a new link. */
export const bankIdentity = (key: Buffer, { institutionCode, number, type }: BankAccount): Buffer =>
  keyedHash(key, "bank account", institutionCode, number, type);

/** tombstones.external_id_hmac: recognises a provider's id when nothing else is known of it any more. */
export const externalIdHmac = (key: Buffer, platform: PlatformSource, externalId: string): Buffer =>
  keyedHash(key, "external id", platform, externalId);

/** As JSON the parts are unambiguous, whatever they contain. */
const keyedHash = (key: Buffer, ...parts: string[]): Buffer =>
  createHmac("sha256", key).update(JSON.stringify(parts)).digest();
