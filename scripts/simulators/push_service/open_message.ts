/**
 * What a browser does with the body of a push message: opens it with the subscription's private key (RFC 8291 on top of
 * RFC 8188, `aes128gcm`). Written here and not taken from http_ece, which sealed it: two hands must agree.
 */
import { createDecipheriv, createECDH, hkdfSync } from "node:crypto";

export type BrowserKeys = {
  /** base64url, as all three. */
  p256dh: string;
  auth: string;
  privateKey: string;
};

const SALT_BYTES = 16;
const TAG_BYTES = 16;

/** The text that was sealed; null where these keys do not open it, or it was not sealed as it must be. */
export function openMessage(body: Buffer, keys: BrowserKeys): string | null {
  try {
    return open(body, keys);
  } catch {
    return null; // Keys that are no point, a tag that does not verify: a browser drops the message without a word.
  }
}

function open(body: Buffer, keys: BrowserKeys): string | null {
  const salt = body.subarray(0, SALT_BYTES);
  const recordSize = body.readUInt32BE(SALT_BYTES);
  const keyIdLength = body.readUInt8(SALT_BYTES + 4);
  const senderKey = body.subarray(SALT_BYTES + 5, SALT_BYTES + 5 + keyIdLength);
  const record = body.subarray(SALT_BYTES + 5 + keyIdLength);
  // RFC 8291, 4: one record only.
  if (record.length <= TAG_BYTES || record.length > recordSize) return null;

  const browser = createECDH("prime256v1");
  browser.setPrivateKey(Buffer.from(keys.privateKey, "base64url"));
  const shared = browser.computeSecret(senderKey);
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), Buffer.from(keys.p256dh, "base64url"), senderKey]);
  const secret = hkdf(shared, Buffer.from(keys.auth, "base64url"), info, 32);
  const key = hkdf(secret, salt, Buffer.from("Content-Encoding: aes128gcm\0"), 16);
  const nonce = hkdf(secret, salt, Buffer.from("Content-Encoding: nonce\0"), 12);

  const decipher = createDecipheriv("aes-128-gcm", key, nonce).setAuthTag(record.subarray(-TAG_BYTES));
  const padded = Buffer.concat([decipher.update(record.subarray(0, -TAG_BYTES)), decipher.final()]);
  // RFC 8188, 2: the text, 2 as the delimiter of the last record, and zeroes.
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) end -= 1;
  return padded[end] === 2 ? padded.subarray(0, end).toString("utf8") : null;
}

const hkdf = (secret: Buffer, salt: Buffer, info: Buffer, length: number): Buffer =>
  Buffer.from(hkdfSync("sha256", secret, salt, info, length));
