import { randomUUID } from "node:crypto";
import test from "ava";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { checkKeyring, sealCanary, verifyCanary } from "./canary.ts";
import { CredentialError } from "./credential_error.ts";
import { parseKeyring } from "./keyring.ts";
import { open } from "./seal.ts";

const newKey = () => canarySecret("base64");
const first = newKey();
const second = newKey();

test("the right key is known again", (t) => {
  const keyring = parseKeyring(`first:${first}`);
  t.notThrows(() => verifyCanary(keyring, sealCanary(keyring)));
  t.notThrows(() => verifyCanary(parseKeyring(`second:${second},first:${first}`), sealCanary(keyring)));
});

test("a wrong key is refused, saying so", (t) => {
  const canary = sealCanary(parseKeyring(`first:${first}`));
  const error = t.throws(() => verifyCanary(parseKeyring(`first:${second}`), canary), { instanceOf: CredentialError });
  t.is(
    error?.message,
    'wrong encryption key: the key "first" of TIDEMARK_ENCRYPTION_KEYS is not the one this database was sealed with',
  );
});

test("a missing key is refused, saying so", (t) => {
  const canary = sealCanary(parseKeyring(`first:${first}`));
  const error = t.throws(() => verifyCanary(parseKeyring(`second:${second}`), canary), { instanceOf: CredentialError });
  t.is(error?.message, 'no key with the id "first" is in TIDEMARK_ENCRYPTION_KEYS');
});

test("a canary cannot stand for another key's, nor for a credential", (t) => {
  const keyring = parseKeyring(`first:${first},second:${second}`);
  const canary = sealCanary(keyring);
  t.throws(() => verifyCanary(keyring, { ...canary, keyId: "second" }), { instanceOf: CredentialError });
  t.throws(() => open(keyring, { accountId: randomUUID(), kind: "first" }, canary), { instanceOf: CredentialError });
  t.notThrows(() => verifyCanary(keyring, canary));
});

test("checkKeyring: a new database gets the current key's canary, a known one nothing", (t) => {
  const keyring = parseKeyring(`first:${first}`);
  const canary = checkKeyring(keyring, []);
  t.is(canary?.keyId, "first");
  t.is(checkKeyring(keyring, canary === null ? [] : [canary]), null);
});

test("checkKeyring: a rotation passes from start to end, a wrong key at no point", (t) => {
  const before = sealCanary(parseKeyring(`first:${first}`));
  const during = parseKeyring(`second:${second},first:${first}`);
  const after = checkKeyring(during, [before]);
  t.is(after?.keyId, "second");
  const remembered = after === null ? [before] : [before, after];
  t.is(checkKeyring(parseKeyring(`second:${second}`), remembered), null);
  t.throws(() => checkKeyring(parseKeyring(`second:${second},first:${newKey()}`), remembered), {
    instanceOf: CredentialError,
  });
  t.throws(() => checkKeyring(parseKeyring(`second:${newKey()}`), remembered), { instanceOf: CredentialError });
});
