import { randomBytes } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import { bankAccountOf, bankIdentity, externalIdHmac } from "./identity.ts";

const key = randomBytes(32);
const account = { institutionCode: "058", number: "0131883461", type: "SAVINGS_ACCOUNT" };

test("one identity for one bank account, another for everything else", (t) => {
  t.deepEqual(bankIdentity(key, account), bankIdentity(key, { ...account }));
  fc.assert(
    fc.property(
      fc.tuple(fc.string(), fc.string(), fc.string()),
      fc.tuple(fc.string(), fc.string(), fc.string()),
      (a, b) => {
        const [one, other] = [a, b].map(([institutionCode, number, type]) =>
          bankIdentity(key, { institutionCode, number, type }).toString("hex"),
        );
        return (one === other) === (JSON.stringify(a) === JSON.stringify(b));
      },
    ),
  );
  t.notDeepEqual(
    bankIdentity(randomBytes(32), account),
    bankIdentity(key, account),
    "by the key alone it means nothing",
  );
});

test("an id is not the same of two platforms, nor a bank account", (t) => {
  const hashes = [
    externalIdHmac(key, "mono", "x"),
    externalIdHmac(key, "mtn_momo", "x"),
    externalIdHmac(key, "mono", "y"),
    bankIdentity(key, { institutionCode: "mono", number: "x", type: "" }),
  ].map((hash) => hash.toString("hex"));
  t.is(new Set(hashes).size, hashes.length);
  t.deepEqual(externalIdHmac(key, "mono", "x"), externalIdHmac(key, "mono", "x"));
});

test("a bank account is one only where every part is told, and whole", (t) => {
  const details = { institutionCode: " 058", accountNumber: "0131883461 ", accountType: "savings_account" };
  t.deepEqual(bankAccountOf(details), account);
  for (const missing of [
    { institutionCode: null },
    { accountNumber: null },
    { accountType: null },
    { accountNumber: "" },
    { accountNumber: "******3461" },
  ]) {
    t.is(bankAccountOf({ ...details, ...missing }), undefined);
  }
});
