import test from "ava";
import { missingKeys } from "../queries/key_checks.ts";
import { withDb } from "../testing/database.ts";
import { asOwner, asService, asWorker } from "../testing/roles.ts";
import { linkMono } from "../testing/world.ts";

const sealed = Buffer.from("sealed").toString("base64");

test(
  "every key that sealed a credential or the identity key and is not named, with how much it sealed",
  withDb(async (t, db) => {
    await asWorker(db);
    t.deepEqual(await missingKeys(db, []), [], "nothing is sealed yet");
    await asOwner(db);
    for (const keyIds of [["a", "c"], ["b", "c"], ["c"]]) {
      await linkMono(db, { credentials: keyIds.map((keyId, nth) => ({ kind: `secret_${nth}`, keyId, sealed })) });
    }
    await db.query("insert into app_private.identity_keys (key_id, sealed) values ('d', '')");
    const [a, b, c, d] = [
      { keyId: "a", sealedCount: 1 },
      { keyId: "b", sealedCount: 1 },
      { keyId: "c", sealedCount: 3 },
      { keyId: "d", sealedCount: 1 },
    ];
    for (const become of [asWorker, asService]) {
      await become(db);
      t.deepEqual(await missingKeys(db, []), [a, b, c, d]);
      t.deepEqual(await missingKeys(db, ["a", "c", "d"]), [b]);
      t.deepEqual(await missingKeys(db, ["b", "z"]), [a, c, d]);
      t.deepEqual(await missingKeys(db, ["a", "b", "c", "d"]), []);
      await asOwner(db);
    }
    await db.query("update app_private.identity_keys set key_id = 'c'");
    t.deepEqual(await missingKeys(db, ["a", "b"]), [{ keyId: "c", sealedCount: 4 }], "one row a key");
  }),
);
