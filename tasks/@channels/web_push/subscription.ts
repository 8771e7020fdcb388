import { ECDH } from "node:crypto";

/** A browser's PushSubscription, as its `toJSON()` writes it: an address that only its holder knows, and the keys to seal for. */
export type WebPushSubscription = { endpoint: string; p256dh: string; auth: string };

const BASE64URL = /^[A-Za-z0-9_-]+={0,2}$/;

/** Why nothing can be sealed for these keys, null where it can. Never says what they are. */
export function problemOfKeys({ p256dh, auth }: Omit<WebPushSubscription, "endpoint">): string | null {
  if (!BASE64URL.test(p256dh) || !BASE64URL.test(auth)) return "its keys are not base64url";
  if (Buffer.from(auth, "base64url").length !== 16) return "its secret (auth) has not 16 bytes";
  const point = Buffer.from(p256dh, "base64url");
  if (point.length !== 65 || point[0] !== 4) return "its public key (p256dh) is no uncompressed point";
  try {
    ECDH.convertKey(point, "prime256v1");
  } catch {
    return "its public key (p256dh) is not on the curve P-256"; // The error says no more than that.
  }
  return null;
}
