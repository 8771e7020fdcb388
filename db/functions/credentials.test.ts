import test from "ava";
import { type ResealedCredential, listCredentialsToReseal, resealCredentials } from "../queries/credentials.ts";
import { listKeyChecks, putKeyCheck } from "../queries/key_checks.ts";
import { forgetWalletToken, storeWalletToken, walletToken } from "../queries/wallet_tokens.ts";
import type { Queryable } from "../queryable.ts";
import { rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { asOwner, asWorker } from "../testing/roles.ts";
import { linkMono, noon, setClock } from "../testing/world.ts";

const sealed = (text: string): string => Buffer.from(text).toString("base64");

async function threeCredentials(db: Queryable) {
  const accountId = "acc00000-0000-4000-8000-000000000001";
  return linkMono(db, {
    accountId,
    credentials: [
      { kind: "client_id", keyId: "old", sealed: sealed("client_id under old") },
      { kind: "client_secret", keyId: "old", sealed: sealed("client_secret under old") },
      { kind: "user_key", keyId: "new", sealed: sealed("user_key under new") },
    ],
  });
}

test(
  "rotation asks for what another key sealed, in pieces, and is done when nothing is left",
  withDb(async (t, db) => {
    const { accountId } = await threeCredentials(db);
    await asWorker(db);
    const [first, ...more] = await listCredentialsToReseal(db, "new", 1);
    t.deepEqual(first, { accountId, kind: "client_id", keyId: "old", sealed: Buffer.from("client_id under old") });
    t.deepEqual(more, []);
    for (const kind of ["client_id", "client_secret"]) {
      const [next] = await listCredentialsToReseal(db, "new", 1);
      if (next === undefined) return t.fail("nothing left");
      t.is(next.kind, kind);
      const resealed = {
        ...next,
        oldKeyId: next.keyId,
        oldSealed: next.sealed,
        keyId: "new",
        sealed: Buffer.from(`${kind} under new`),
      };
      t.is(await resealCredentials(db, [resealed]), 1);
    }
    t.deepEqual(await listCredentialsToReseal(db, "new", 10), []);
    await asOwner(db);
    t.deepEqual(
      await rowsOf(
        db,
        "select kind, key_id, convert_from(sealed, 'utf8') as sealed from app_private.credentials order by 1",
      ),
      [
        { kind: "client_id", key_id: "new", sealed: "client_id under new" },
        { kind: "client_secret", key_id: "new", sealed: "client_secret under new" },
        { kind: "user_key", key_id: "new", sealed: "user_key under new" },
      ],
    );
  }),
);

test(
  "compare and swap: a secret that somebody replaced in the meantime is left alone, its neighbour is not",
  withDb(async (t, db) => {
    const { accountId } = await threeCredentials(db);
    const reseal = (kind: string): ResealedCredential => ({
      accountId,
      kind,
      oldKeyId: "old",
      oldSealed: Buffer.from(`${kind} under old`),
      keyId: "new",
      sealed: Buffer.from(`${kind} under new`),
    });
    await db.query("update app_private.credentials set sealed = 'replaced' where kind = 'client_id'");
    t.is(await resealCredentials(db, [reseal("client_id"), reseal("client_secret"), reseal("user_key")]), 1);
    t.is(
      await valueOf(db, "select convert_from(sealed, 'utf8') from app_private.credentials where kind = 'client_id'"),
      "replaced",
    );
    t.is(
      await valueOf(
        db,
        "select convert_from(sealed, 'utf8') from app_private.credentials where kind = 'client_secret'",
      ),
      "client_secret under new",
    );
  }),
);

test(
  "a key's canary is stored once and never replaced",
  withDb(async (t, db) => {
    await asWorker(db);
    t.deepEqual(await listKeyChecks(db), []);
    const k1 = { keyId: "k1", sealed: Buffer.from("first") };
    await putKeyCheck(db, k1);
    await putKeyCheck(db, { keyId: "k1", sealed: Buffer.from("second") });
    const k0 = { keyId: "k0", sealed: Buffer.from("other") };
    await putKeyCheck(db, k0);
    t.deepEqual(await listKeyChecks(db), [k0, k1]);
  }),
);

const token = (text: string, expiresAt: string) => ({
  keyId: "k1",
  sealed: Buffer.from(text),
  expiresAt: new Date(expiresAt),
});
const read = async (db: Queryable): Promise<string | undefined> =>
  (await walletToken(db, "wallet-1"))?.sealed.toString();

test(
  "a wallet's token is shared while it has ten minutes to live",
  withDb(async (t, db) => {
    await setClock(db, noon);
    await asWorker(db);
    t.is(await read(db), undefined);
    await storeWalletToken(db, "wallet-1", token("one", "2026-03-10T13:00:00Z"));
    t.like(await walletToken(db, "wallet-1"), { key_id: "k1", expires_in_seconds: 3600 });
    t.is(await walletToken(db, "wallet-2"), undefined);
    await asOwner(db);
    await setClock(db, "2026-03-10T12:49:59Z");
    t.is(await read(db), "one");
    await setClock(db, "2026-03-10T12:50:00Z");
    t.is(await read(db), undefined);
  }),
);

test(
  "of two workers that asked at once, the token that lives longer stays",
  withDb(async (t, db) => {
    await setClock(db, noon);
    await storeWalletToken(db, "wallet-1", token("longer", "2026-03-10T13:00:00Z"));
    await storeWalletToken(db, "wallet-1", token("shorter", "2026-03-10T12:59:59Z"));
    t.is(await read(db), "longer");
    await storeWalletToken(db, "wallet-1", token("renewed", "2026-03-10T13:00:01Z"));
    t.is(await read(db), "renewed");
  }),
);

test(
  "a refused token is forgotten; a newer one that replaced it is not",
  withDb(async (t, db) => {
    await setClock(db, noon);
    await storeWalletToken(db, "wallet-1", token("new", "2026-03-10T13:00:00Z"));
    await forgetWalletToken(db, "wallet-1", Buffer.from("old"));
    t.is(await read(db), "new");
    await forgetWalletToken(db, "wallet-1", Buffer.from("new"));
    t.is(await read(db), undefined);
  }),
);
