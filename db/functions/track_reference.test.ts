import test from "ava";
import { trackReference } from "../queries/links.ts";
import { rowOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asOwner, asService } from "../testing/roles.ts";
import { begin, bob, finish, linkMomo, linkMono, noon, setClock, stateRow } from "../testing/world.ts";

const referenceId = "11111111-1111-4111-8111-111111111111";

test(
  "a reference is followed on the platform that made it, and its account is due when it is asked for first",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMomo(db);
    await finish(db, await begin(db, account, "worker-1", "mtn_momo"));
    await asService(db);
    t.true(await trackReference(db, { ...account, referenceId, requestedAt: "2026-03-10T11:59:50Z" }));
    await asOwner(db);
    t.like(await rowOf(db, "select * from app_private.tracked_references"), {
      account_id: account.accountId,
      operation: "requesttopay",
      base_url: "https://momo.example",
      target_environment: "mtnuganda",
      requested_at: "2026-03-10 11:59:50+00",
      outcome: "open",
      polls: 0,
      next_poll_at: "2026-03-10 12:00:20+00",
    });
    t.is((await stateRow(db, account)).next_sync_at, "2026-03-10 12:00:20+00");
  }),
);

test(
  "an address of its own, for what was made before a move",
  withDb(async (t, db) => {
    const account = await linkMomo(db);
    const own = { baseUrl: "https://old.example", targetEnvironment: "mtnghana" };
    t.true(await trackReference(db, { ...account, referenceId, operation: "requesttowithdraw", ...own }));
    t.like(await rowOf(db, "select * from app_private.tracked_references"), {
      operation: "requesttowithdraw",
      base_url: own.baseUrl,
      target_environment: own.targetEnvironment,
    });
  }),
);

test(
  "the same reference twice is one reference, and delays nothing",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMomo(db);
    t.true(await trackReference(db, { ...account, referenceId }));
    await setClock(db, "2026-03-10T12:05:00Z");
    t.false(await trackReference(db, { ...account, referenceId }));
    t.is(await valueOf(db, "select next_poll_at from app_private.tracked_references"), "2026-03-10 12:00:30+00");
    t.is((await stateRow(db, account)).next_sync_at, "2026-03-10 12:00:00+00");
  }),
);

test(
  "REFTK: a reference that another account has is not followed for this one, and stays where it is",
  withDb(async (t, db) => {
    const [first, second] = [await linkMomo(db), await linkMomo(db, { userId: bob })];
    t.true(await trackReference(db, { ...first, referenceId }));
    const refusal = await refusalOf(db, () => trackReference(db, { ...second, referenceId }));
    t.is(refusal.code, "REFTK");
    t.is(await valueOf(db, "select account_id from app_private.tracked_references"), first.accountId);
    t.false(await trackReference(db, { ...first, referenceId }), "the control: told again for its own account");
  }),
);

test(
  "NTFND and LNKNV: no account, an unlinked one, one that is no wallet, an address that nobody knows",
  withDb(async (t, db) => {
    const [wallet, bank] = [await linkMomo(db), await linkMono(db)];
    const nowhere = await linkMomo(db, { baseUrl: undefined, targetEnvironment: undefined });
    const codeOf = async (accountId: string) =>
      (await refusalOf(db, () => trackReference(db, { accountId, referenceId }))).code;
    t.is(await codeOf("99999999-9999-4999-8999-999999999999"), "NTFND");
    t.is(await codeOf(bank.accountId), "LNKNV");
    t.is(await codeOf(nowhere.accountId), "LNKNV");
    t.true(await trackReference(db, { ...wallet, referenceId }));
    await db.query("update app_public.accounts set unlinked_at = now()");
    t.is(await codeOf(wallet.accountId), "NTFND");
  }),
);
