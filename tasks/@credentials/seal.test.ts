import { randomUUID } from "node:crypto";
import test from "ava";
import type { ExecutionContext } from "ava";
import fc from "fast-check";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { CredentialError } from "./credential_error.ts";
import { parseKeyring } from "./keyring.ts";
import { open, seal } from "./seal.ts";

const newKey = () => canarySecret("base64");
const first = newKey();
const keyring = parseKeyring(`first:${first}`);

const owner = fc.record({ accountId: fc.uuid(), kind: fc.constantFrom("momo_api_key", "madapi_client_id", "a,b", "") });
const secret = fc.string({ unit: "binary", maxLength: 200 });

const refused = (t: ExecutionContext, attempt: () => unknown): CredentialError | undefined => {
  const error = t.throws(attempt, { instanceOf: CredentialError });
  t.is(error?.code, "CREDX");
  return error;
};

test("what is sealed opens again", (t) => {
  fc.assert(
    fc.property(owner, secret, (whose, plaintext) => {
      const sealed = seal(keyring, whose, plaintext);
      t.is(sealed.keyId, "first");
      t.is(open(keyring, whose, sealed), plaintext);
      t.is(open(keyring, { ...whose, accountId: whose.accountId.toUpperCase() }, sealed), plaintext);
    }),
  );
});

test("any flipped bit is refused", (t) => {
  fc.assert(
    fc.property(owner, secret, fc.nat(), (whose, plaintext, at) => {
      const { keyId, sealed } = seal(keyring, whose, plaintext);
      const bit = at % (sealed.length * 8);
      const flipped = Buffer.from(sealed);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      refused(t, () => open(keyring, whose, { keyId, sealed: flipped }));
      t.is(open(keyring, whose, { keyId, sealed }), plaintext);
    }),
  );
});

test("any shorter or longer copy is refused", (t) => {
  const whose = { accountId: randomUUID(), kind: "momo_api_key" };
  const { keyId, sealed } = seal(keyring, whose, "a secret");
  for (let length = 0; length < sealed.length; length += 1) {
    refused(t, () => open(keyring, whose, { keyId, sealed: sealed.subarray(0, length) }));
  }
  refused(t, () => open(keyring, whose, { keyId, sealed: Buffer.concat([sealed, Buffer.alloc(1)]) }));
  t.is(open(keyring, whose, { keyId, sealed }), "a secret");
});

test("another account's or another kind's place is refused", (t) => {
  fc.assert(
    fc.property(owner, owner, secret, (whose, other, plaintext) => {
      fc.pre(whose.accountId !== other.accountId && whose.kind !== other.kind);
      const sealed = seal(keyring, whose, plaintext);
      refused(t, () => open(keyring, { ...whose, accountId: other.accountId }, sealed));
      refused(t, () => open(keyring, { ...whose, kind: other.kind }, sealed));
      t.is(open(keyring, whose, sealed), plaintext);
    }),
  );
});

test("parts of the owner cannot be shifted from one to the other", (t) => {
  const sealed = seal(keyring, { accountId: "a", kind: "bc" }, "a secret");
  refused(t, () => open(keyring, { accountId: "ab", kind: "c" }, sealed));
  t.is(open(keyring, { accountId: "a", kind: "bc" }, sealed), "a secret");
});

test("other bytes under the same key id are refused, and the key is named", (t) => {
  const whose = { accountId: randomUUID(), kind: "momo_api_key" };
  const sealed = seal(keyring, whose, "canary-secret");
  const error = refused(t, () => open(parseKeyring(`first:${newKey()}`), whose, sealed));
  t.is(error?.keyId, "first");
  t.regex(error?.message ?? "", /key "first" does not open this/);
  t.false(`${error?.stack}${String(error?.cause)}`.includes("canary-secret"));
});

test("an unknown key id is refused in words", (t) => {
  const whose = { accountId: randomUUID(), kind: "momo_api_key" };
  const sealed = seal(keyring, whose, "a secret");
  const error = refused(t, () => open(parseKeyring(`second:${newKey()}`), whose, sealed));
  t.is(error?.message, 'no key with the id "first" is in TIDEMARK_ENCRYPTION_KEYS');
});

test("an older key still opens; the current one seals", (t) => {
  const whose = { accountId: randomUUID(), kind: "momo_api_key" };
  const both = parseKeyring(`second:${newKey()},first:${first}`);
  t.is(open(both, whose, seal(keyring, whose, "a secret")), "a secret");
  t.is(seal(both, whose, "a secret").keyId, "second");
});

test("the same secret never looks the same", (t) => {
  const whose = { accountId: randomUUID(), kind: "momo_api_key" };
  const seen = new Set(
    Array.from({ length: 200 }, () => seal(keyring, whose, "x").sealed.subarray(1, 13).toString("hex")),
  );
  t.is(seen.size, 200);
});

test("a text that UTF-8 cannot carry is refused before it is changed", (t) => {
  const whose = { accountId: randomUUID(), kind: "momo_api_key" };
  t.throws(() => seal(keyring, whose, "\ud800"), { instanceOf: TypeError });
  t.is(open(keyring, whose, seal(keyring, whose, "\ud83d\ude00")), "\ud83d\ude00");
});
