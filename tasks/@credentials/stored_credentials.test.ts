import { randomUUID } from "node:crypto";
import test from "ava";
import type { Client } from "pg";
import { listCredentialsToReseal, resealCredentials } from "../../db/queries/credentials.ts";
import { listKeyChecks } from "../../db/queries/key_checks.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { withDb } from "../../db/testing/database.ts";
import { asWorker } from "../../db/testing/roles.ts";
import { identityKeyOf, rotateIdentityKey } from "../@linking/identity_key.ts";
import { CredentialError } from "./credential_error.ts";
import { parseKeyring } from "./keyring.ts";
import { proveKeyring } from "./prove_keyring.ts";
import { reseal, rotateCredentials } from "./rotate.ts";
import { open, seal } from "./seal.ts";

const newKey = () => canarySecret("base64");
const oldKey = newKey();
const before = parseKeyring(`old:${oldKey}`);
const keyring = parseKeyring(`new:${newKey()},old:${oldKey}`);
const KIND = "momo_api_key";

/** Links a wallet through the verb that production uses, and answers its id. */
const linkWallet = async (db: Client, secret: string): Promise<string> => {
  const accountId = randomUUID();
  const { keyId, sealed } = seal(before, { accountId, kind: KIND }, secret);
  const link = {
    accountId,
    userId: randomUUID(),
    platform: "mtn_momo",
    accountName: "Wallet",
    currency: "EUR",
    externalId: randomUUID(),
    baseUrl: "https://sandbox.momodeveloper.mtn.com",
    targetEnvironment: "sandbox",
    credentials: [{ kind: KIND, keyId, sealed: sealed.toString("base64") }],
  };
  await db.query("select app_private.link_account($1)", [JSON.stringify(link)]);
  return accountId;
};

test(
  "a rotation over the stored credentials, as the worker",
  withDb(async (t, db) => {
    await asWorker(db);
    const secrets = new Map<string, string>();
    for (let index = 0; index < 7; index += 1) {
      const secret = `secret ${index}`;
      secrets.set(await linkWallet(db, secret), secret);
    }
    t.deepEqual(await rotateCredentials({ db, keyring, batchSize: 3 }), {
      resealed: 7,
      unopenable: [],
      complete: true,
    });
    t.deepEqual(await listCredentialsToReseal(db, "new", 100), []);
    const stored = await listCredentialsToReseal(db, "old", 100);
    t.is(stored.length, 7);
    for (const row of stored) t.is(secrets.get(row.accountId), open(keyring, row, row));
  }),
);

test(
  "a credential that was sealed anew meanwhile is left as it is",
  withDb(async (t, db) => {
    await asWorker(db);
    await linkWallet(db, "a secret");
    await linkWallet(db, "another");
    const [one, other] = (await listCredentialsToReseal(db, "new", 100)).map((row) => reseal(keyring, row));
    if (one === undefined || other === undefined) {
      t.fail("two credentials were linked");
      return;
    }
    t.is(await resealCredentials(db, [one]), 1);
    t.is(await resealCredentials(db, [one, other]), 1);
    t.is(await resealCredentials(db, []), 0);
  }),
);

test(
  "the database remembers the key that it was first used with",
  withDb(async (t, db) => {
    await asWorker(db);
    await proveKeyring(db, before);
    await proveKeyring(db, keyring);
    t.deepEqual(
      (await listKeyChecks(db)).map(({ keyId }) => keyId),
      ["new", "old"],
    );
    await t.throwsAsync(proveKeyring(db, parseKeyring(`old:${newKey()}`)), { instanceOf: CredentialError });
  }),
);

test(
  "a keyring without a key that sealed something here is refused, and the database remembers nothing of it",
  withDb(async (t, db) => {
    await asWorker(db);
    await proveKeyring(db, before);
    await linkWallet(db, "a secret");
    await linkWallet(db, "another");
    const other = `other:${newKey()}`;
    const refuse = async (words: string) => {
      const error = await t.throwsAsync(proveKeyring(db, parseKeyring(other)), { instanceOf: CredentialError });
      t.is(error?.message, `wrong encryption key: TIDEMARK_ENCRYPTION_KEYS lacks the key "old", which sealed ${words}`);
      t.deepEqual(
        (await listKeyChecks(db)).map(({ keyId }) => keyId),
        ["old"],
      );
    };
    await refuse("2 secrets of this database");
    await identityKeyOf(db, before);
    await refuse("3 secrets of this database");
    const both = parseKeyring(`${other},old:${oldKey}`);
    await t.notThrowsAsync(proveKeyring(db, both), "positive control: with the key that is missing");

    // The end of a rotation: what nothing is sealed by may go.
    t.is((await rotateCredentials({ db, keyring: both })).resealed, 2);
    const error = await t.throwsAsync(proveKeyring(db, parseKeyring(other)), { instanceOf: CredentialError });
    t.regex(error?.message ?? "", /which sealed 1 secret of this database$/, "the identity key");
    await rotateIdentityKey(db, both);
    await t.notThrowsAsync(proveKeyring(db, parseKeyring(other)));
  }),
);
