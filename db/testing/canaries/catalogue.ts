/**
 * The canaries: every secret, account number and telephone number that simulators and fixtures use can be told by its form, so
 * that whatever the suite prints or stores can be searched for all of them at once, whoever made them and whenever.
 */

import { randomBytes } from "node:crypto";

export type CanaryKind = "secret" | "account number" | "phone number";

export type Canary = { kind: CanaryKind; name: string; value: string };

/** Three bytes, so that the mark looks the same wherever it stands in base64 that begins with it. */
const MARK = "5ec2e7";
const marked = MARK.repeat(2);

/** A secret of 32 bytes that the search knows, written as the environment would have it. 26 of its bytes are random. */
export function canarySecret(encoding: "hex" | "base64" | "base64url"): string {
  return Buffer.concat([Buffer.from(marked, "hex"), randomBytes(26)]).toString(encoding);
}

const inBase64 = Buffer.from(marked, "hex").toString("base64");

/** The mark as text within base64, as in an `Authorization: Basic`: it begins at any of three places of a group. */
const asTextInBase64 = [0, 1, 2].map((shift) => Buffer.from(marked.slice(shift, shift + 6)).toString("base64"));

/** Digits that stand alone: no part of a decimal, of an identifier or of a UUID. */
const alone = (digits: string): RegExp => new RegExp(String.raw`(?<![\w.-])\+?(?:${digits})(?!\w|[.-]\d)`, "g");

const forms: { kind: CanaryKind; name: string; form: RegExp }[] = [
  {
    kind: "secret",
    name: "a marked secret",
    form: new RegExp([marked, inBase64, ...asTextInBase64].map((text) => `${text}[\\w+/=-]*`).join("|"), "g"),
  },
  { kind: "secret", name: "a secret key of Mono's", form: /\b(?:test|live)_sk_\w+/g },
  { kind: "secret", name: "a webhook secret of Mono's", form: /\bwhsec_\w+/g },
  { kind: "secret", name: "a key of OneSignal's", form: /\bos_v2_app_\w+/g },
  { kind: "secret", name: "a signed token", form: /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{16,}/g },
  { kind: "secret", name: "a database password", form: /\bpostgres(?:ql)?:\/\/[^\s:/@]+:[^\s/@*]+@/g },
  // A Nigerian account number (NUBAN) has ten digits. The simulator's begin with a zero, and so do those of fixtures.
  { kind: "account number", name: "an account number", form: alone(String.raw`0[1-9]\d{8}`) },
  // Ten digits after the countries in which MTN MoMo is, and the sandbox's Swedish ones.
  {
    kind: "phone number",
    name: "a telephone number",
    form: alone(String.raw`46[1237]\d{8}|(?:211|22[459]|23[137]|242|25[06]|26[08]|27)7\d{8}|2332\d{8}|234[789]\d{8,9}`),
  },
];

/** Every canary in a text, each value once. */
export function canariesIn(text: string): Canary[] {
  const found = new Map<string, Canary>();
  for (const { kind, name, form } of forms) {
    for (const [value] of text.matchAll(form)) found.set(value, { kind, name, value });
  }
  return [...found.values()];
}

/** For a sentence: what it is, and its beginning, by which it is found again. */
export function describeCanary({ name, value }: Canary): string {
  return `${name} (${value.length > 24 ? `${value.slice(0, 24)}…` : value})`;
}
