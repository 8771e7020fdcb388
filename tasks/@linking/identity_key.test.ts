import test from "ava";
import { listOf, valueOf } from "../../db/testing/ask.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { withClonedDb, withDb } from "../../db/testing/database.ts";
import { asWorker } from "../../db/testing/roles.ts";
import { CredentialError } from "../@credentials/credential_error.ts";
import { parseKeyring } from "../@credentials/keyring.ts";
import { identityKeyOf, rotateIdentityKey } from "./identity_key.ts";
import { linkNewAccount } from "./link_new_account.ts";

const newKey = (): string => canarySecret("base64");
const [old, fresh] = [newKey(), newKey()];
const before = parseKeyring(`old:${old}`);
const during = parseKeyring(`new:${fresh},old:${old}`);
const after = parseKeyring(`new:${fresh}`);

test(
  "made once, the same for ever after, and readable by nobody without an encryption key",
  withDb(async (t, db) => {
    await asWorker(db);
    const key = await identityKeyOf(db, before);
    t.is(key.length, 32);
    t.deepEqual(await identityKeyOf(db, before), key);
    await t.throwsAsync(identityKeyOf(db, parseKeyring(`old:${newKey()}`)), { instanceOf: CredentialError });
  }),
);

test(
  "of two that make it at once, both have the first one's",
  withClonedDb(async (t, cloned) => {
    const pool = cloned.pool("app_worker");
    const keys = await Promise.all(Array.from({ length: 5 }, () => identityKeyOf(pool, before)));
    t.is(new Set(keys.map((key) => key.toString("hex"))).size, 1);
  }),
);

test(
  "it survives the rotation of the encryption keys, and accounts are recognised as before",
  withDb(async (t, db) => {
    const sealedBy = () => listOf(db, "select key_id from app_private.identity_keys");
    t.false(await rotateIdentityKey(db, during), "nothing to rotate yet");
    const link = (keyring: typeof before, externalId: string) =>
      linkNewAccount(db, keyring, {
        userId: "a11ce000-0000-4000-8000-000000000001",
        platform: "mono",
        accountName: "Salary",
        currency: "NGN",
        externalId,
        bankAccount: { institutionCode: "058", number: "0131883461", type: "SAVINGS_ACCOUNT" },
      });
    const { accountId } = await link(before, "mono-1");
    const key = await identityKeyOf(db, before);
    t.true(await rotateIdentityKey(db, during));
    t.deepEqual(await sealedBy(), ["new"]);
    t.false(await rotateIdentityKey(db, during));
    t.deepEqual(await identityKeyOf(db, after), key);
    t.deepEqual(await link(after, "mono-2"), { accountId, outcome: "resumed" });
    // The number itself is nowhere.
    const stored = await valueOf(
      db,
      "select string_agg(concat(a, l), '') from app_public.accounts a join app_private.links l on l.account_id = a.id",
    );
    t.true(String(stored).includes("mono-2"));
    t.false(
      String(stored).includes("0131883461") || String(stored).includes(Buffer.from("0131883461").toString("hex")),
    );
  }),
);
