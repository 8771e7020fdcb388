import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

/*
 * The token of a deep link: when it expires (seconds, four bytes) and a signature over everything that it is good for. It
 * names nobody: account and user are known to whoever verifies, so a link that a stranger reads tells no more than its path.
 */

/** What one link is good for, and for whom. */
export type LinkPurpose = {
  /** What it opens. A link for one purpose opens no other. */
  purpose: string;
  /** accounts.id, a UUID in either case. */
  accountId: string;
  /** Whose account it is. */
  userId: string;
};

export type TokenVerdict = "valid" | "expired" | "invalid";

const EXPIRY_BYTES = 4;
/** 128 bits: nobody guesses them, and the whole token is 27 characters. */
const SIGNATURE_BYTES = 16;
const TOKEN = /^[\w-]{27}$/;

/**
 * The key that signs links: one of its own, derived from the database's identity key and not from the encryption keys,
 * because a link that is on a phone must outlive their rotation.
 */
export const linkKey = (identityKey: Buffer): Buffer =>
  Buffer.from(hkdfSync("sha256", identityKey, "", "tidemark deep link", 32));

/** 27 characters that a URL takes as they are. */
export function signLink(key: Buffer, about: LinkPurpose, expiresAt: Date): string {
  const expiry = Buffer.alloc(EXPIRY_BYTES);
  expiry.writeUInt32BE(Math.floor(expiresAt.getTime() / 1000));
  return Buffer.concat([expiry, signature(key, about, expiry)]).toString("base64url");
}

/** `expired` is said of a link that was ours and good once; anything else that is not valid is invalid. */
export function verifyLink(key: Buffer, about: LinkPurpose, token: string, now: Date): TokenVerdict {
  if (!TOKEN.test(token)) return "invalid";
  const bytes = Buffer.from(token, "base64url");
  // The last character has two bits that mean nothing; only one way to write a token is right.
  if (bytes.toString("base64url") !== token) return "invalid";
  const expiry = bytes.subarray(0, EXPIRY_BYTES);
  if (!timingSafeEqual(bytes.subarray(EXPIRY_BYTES), signature(key, about, expiry))) return "invalid";
  return now.getTime() < expiry.readUInt32BE() * 1000 ? "valid" : "expired";
}

/** As JSON the parts are unambiguous, whatever they contain. */
const signature = (key: Buffer, { purpose, accountId, userId }: LinkPurpose, expiry: Buffer): Buffer =>
  createHmac("sha256", key)
    .update(JSON.stringify([purpose, accountId.toLowerCase(), userId.toLowerCase(), expiry.readUInt32BE()]))
    .digest()
    .subarray(0, SIGNATURE_BYTES);
