import { createECDH } from "node:crypto";

/**
 * VAPID keys, by which a push service knows an application (RFC 8292): an ECDSA key pair on P-256, as every web push tool
 * writes it, base64url without padding.
 */

/** Says what is wrong with a public key, never what it is; null when it can be one. */
export function problemOfVapidPublicKey(text: string): string | null {
  const bytes = decoded(text);
  return bytes?.length === 65 && bytes[0] === 4
    ? null
    : "must be 65 bytes in base64url: the public key that `npm run vapid-keys` made";
}

export function problemOfVapidPrivateKey(text: string): string | null {
  return publicKeyOf(text) === null
    ? "must be 32 bytes in base64url: the private key that `npm run vapid-keys` made"
    : null;
}

/** Browsers subscribed with the public key; with another one's private key every push service would refuse us. */
export function areVapidKeysAPair(publicKey: string, privateKey: string): boolean {
  return publicKeyOf(privateKey)?.equals(Buffer.from(publicKey, "base64url")) ?? false;
}

function publicKeyOf(privateKey: string): Buffer | null {
  const bytes = decoded(privateKey);
  if (bytes?.length !== 32) return null;
  const pair = createECDH("prime256v1");
  try {
    pair.setPrivateKey(bytes);
  } catch {
    return null; // Zero, or not below the curve's order. The error has nothing more to say.
  }
  return pair.getPublicKey();
}

const decoded = (text: string): Buffer | null =>
  /^[A-Za-z0-9_-]+$/.test(text) ? Buffer.from(text, "base64url") : null;
