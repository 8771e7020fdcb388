import test from "ava";
import { z } from "zod";
import type { Queryable } from "../../db/queryable.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { CredentialError } from "./credential_error.ts";
import { sealCanary } from "./canary.ts";
import { parseKeyring } from "./keyring.ts";
import { proveKeyring } from "./prove_keyring.ts";

const newKey = () => canarySecret("base64");

/** app_private.key_checks and its two verbs, of a database that has nothing sealed yet. `beforePut` runs where another process may come first. */
const databaseOf = (table: Map<string, Buffer>, beforePut: () => void = () => {}): Queryable => ({
  query: async (text, values = []) => {
    if (text.includes("list_key_checks")) {
      return { rows: [...table].map(([key_id, sealed]) => ({ key_id, sealed })) };
    }
    if (text.includes("missing_keys")) return { rows: [] };
    beforePut();
    const [keyId, sealed] = z.tuple([z.string(), z.instanceof(Buffer)]).parse(values);
    if (!table.has(keyId)) table.set(keyId, sealed);
    return { rows: [] };
  },
});

test("a new database remembers the key, and then knows it from another", async (t) => {
  const table = new Map<string, Buffer>();
  const db = databaseOf(table);
  const text = `a:${newKey()}`;
  await t.notThrowsAsync(proveKeyring(db, parseKeyring(text)));
  t.deepEqual([...table.keys()], ["a"]);
  await t.notThrowsAsync(proveKeyring(db, parseKeyring(text)));
  const error = await t.throwsAsync(proveKeyring(db, parseKeyring(`a:${newKey()}`)), { instanceOf: CredentialError });
  t.regex(error?.message ?? "", /^wrong encryption key: the key "a"/);
});

test("two processes start with different keys under one new id: the second learns it", async (t) => {
  const table = new Map<string, Buffer>();
  const theirs = sealCanary(parseKeyring(`a:${newKey()}`));
  const db = databaseOf(table, () => table.set("a", theirs.sealed));
  await t.throwsAsync(proveKeyring(db, parseKeyring(`a:${newKey()}`)), { instanceOf: CredentialError });
});
