import { randomUUID } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import { z } from "zod";
import type { SealedCredential } from "../../db/queries/credentials.ts";
import type { Queryable } from "../../db/queryable.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { CredentialError } from "./credential_error.ts";
import { parseKeyring } from "./keyring.ts";
import { reseal, rotateCredentials } from "./rotate.ts";
import { open, seal } from "./seal.ts";

const newKey = () => canarySecret("base64");
const oldKey = newKey();
const before = parseKeyring(`old:${oldKey}`);
const keyring = parseKeyring(`new:${newKey()},old:${oldKey}`);
const lost = parseKeyring(`lost:${newKey()}`);

type Stored = SealedCredential & { secret: string };

const store = (sealer: typeof before, secret: string): Stored => {
  const accountId = randomUUID();
  return { accountId, kind: "momo_api_key", secret, ...seal(sealer, { accountId, kind: "momo_api_key" }, secret) };
};

const changes = z.array(
  z.object({
    account_id: z.string(),
    kind: z.string(),
    old_key_id: z.string(),
    old_sealed: z.base64(),
    key_id: z.string(),
    sealed: z.base64(),
  }),
);

/** The two verbs over an array. `beforeReseal` runs between listing and storing, where others may write. */
const databaseOf = (table: Stored[], beforeReseal: () => void = () => {}): Queryable => ({
  query: async (text, values = []) => {
    if (text.includes("list_credentials_to_reseal")) {
      const [keyId, limit] = z.tuple([z.string(), z.number()]).parse(values);
      const rows = table
        .filter((row) => row.keyId !== keyId)
        .toSorted((a, b) => (a.accountId < b.accountId ? -1 : 1))
        .slice(0, limit);
      return {
        rows: rows.map(({ accountId, kind, keyId: key_id, sealed }) => ({
          account_id: accountId,
          kind,
          key_id,
          sealed,
        })),
      };
    }
    beforeReseal();
    const [json] = z.tuple([z.string()]).parse(values);
    let changed = 0;
    for (const change of changes.parse(JSON.parse(json))) {
      const row = table.find(({ accountId, kind }) => accountId === change.account_id && kind === change.kind);
      if (row?.keyId !== change.old_key_id || row.sealed.toString("base64") !== change.old_sealed) continue;
      row.keyId = change.key_id;
      row.sealed = Buffer.from(change.sealed, "base64");
      changed += 1;
    }
    return { rows: [{ changed }] };
  },
});

const secretsOf = (table: Stored[]): string[] => table.map((row) => open(keyring, row, row));

test("reseal: the same secret under the current key, with what it replaces", (t) => {
  const row = store(before, "a secret");
  const resealed = reseal(keyring, row);
  t.is(resealed.keyId, "new");
  t.is(resealed.oldKeyId, "old");
  t.is(resealed.oldSealed, row.sealed);
  t.is(open(keyring, row, resealed), "a secret");
  t.throws(() => open(before, row, resealed), { instanceOf: CredentialError });
});

test("every credential ends under the current key with its secret unchanged, whatever the batch and wherever it stops", async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("old", "new"), { maxLength: 25 }),
      fc.integer({ min: 1, max: 7 }),
      fc.nat({ max: 5 }),
      async (keys, batchSize, stopAfter) => {
        const table = keys.map((key, index) => store(key === "old" ? before : keyring, `secret ${index}`));
        const secrets = table.map(({ secret }) => secret);
        const due = keys.filter((key) => key === "old").length;
        const stop = new AbortController();
        let batches = 0;
        const onProgress = () => {
          batches += 1;
          if (batches > stopAfter) stop.abort();
        };
        const db = databaseOf(table);
        const stopped = await rotateCredentials({ db, keyring, batchSize, onProgress, signal: stop.signal });
        t.deepEqual(secretsOf(table), secrets);
        const rest = await rotateCredentials({ db, keyring, batchSize });
        t.deepEqual(secretsOf(table), secrets);
        t.true(table.every(({ keyId }) => keyId === "new"));
        t.is(stopped.resealed + rest.resealed, due);
        t.deepEqual(rest, { resealed: rest.resealed, unopenable: [], complete: true });
      },
    ),
  );
});

test("credentials that cannot be opened are named and left alone, and stop nobody else", async (t) => {
  const bad = Array.from({ length: 5 }, () => store(lost, "gone"));
  const good = Array.from({ length: 5 }, (_, index) => store(before, `secret ${index}`));
  const table = [...bad, ...good];
  const rotation = await rotateCredentials({ db: databaseOf(table), keyring, batchSize: 2 });
  t.true(rotation.complete);
  t.is(rotation.resealed, 5);
  t.deepEqual(
    rotation.unopenable.map(({ accountId, keyId }) => ({ accountId, keyId })).toSorted(byAccount),
    bad.map(({ accountId }) => ({ accountId, keyId: "lost" })).toSorted(byAccount),
  );
  t.deepEqual(
    secretsOf(good),
    good.map(({ secret }) => secret),
  );
});

const byAccount = (a: { accountId: string }, b: { accountId: string }): number => (a.accountId < b.accountId ? -1 : 1);

test("a missing key is not a few damaged rows: the rotation gives up early", async (t) => {
  const table = Array.from({ length: 300 }, () => store(lost, "gone"));
  const rotation = await rotateCredentials({ db: databaseOf(table), keyring, batchSize: 50 });
  t.false(rotation.complete);
  t.is(rotation.unopenable.length, 150);
});

test("a secret that somebody replaced meanwhile, even under the same old key, is not overwritten", async (t) => {
  const row = store(before, "yesterday's");
  let replaced = false;
  const db = databaseOf([row], () => {
    if (!replaced) Object.assign(row, seal(before, row, "today's"));
    replaced = true;
  });
  const rotation = await rotateCredentials({ db, keyring });
  t.deepEqual(rotation, { resealed: 1, unopenable: [], complete: true });
  t.is(row.keyId, "new");
  t.is(open(keyring, row, row), "today's");
});

test("rows that are replaced again and again do not hold it for ever", async (t) => {
  const row = store(before, "restless");
  const rotation = await rotateCredentials({
    db: databaseOf([row], () => Object.assign(row, seal(before, row, "restless"))),
    keyring,
  });
  t.deepEqual(rotation, { resealed: 0, unopenable: [], complete: false });
});

test("a row of another shape is refused at the door", async (t) => {
  const db: Queryable = { query: async () => ({ rows: [{ account_id: null, kind: "momo_api_key" }] }) };
  await t.throwsAsync(rotateCredentials({ db, keyring }), { instanceOf: z.ZodError });
});
