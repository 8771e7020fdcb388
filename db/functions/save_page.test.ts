import test from "ava";
import { saveTransactions } from "../queries/pages.ts";
import type { Queryable } from "../queryable.ts";
import { rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import {
  type Account,
  accountRow,
  begin,
  complete,
  emptyQueue,
  finish,
  incoming,
  jobs,
  linkMomo,
  linkMono,
  noon,
  page,
  runRows,
  save,
  setClock,
  statuses,
  transactionRows,
} from "../testing/world.ts";

const settledDays = (db: Queryable, { accountId }: Account): Promise<unknown> =>
  valueOf(db, "select settled::text from app_private.coverage where account_id = $1", [accountId]);

const revisions = (db: Queryable, { accountId }: Account) =>
  rowsOf(
    db,
    `select r.* from app_public.transaction_revisions r join app_public.transactions t on t.id = r.transaction_id
     where t.account_id = $1 order by r.transaction_id, r.revision`,
    [accountId],
  );

/** An account whose first run read the days 1 to 10 March and found these rows. */
async function synced(db: Queryable, rows: ReturnType<typeof incoming>[]): Promise<Account> {
  await setClock(db, noon);
  const account = await linkMono(db);
  const lease = await begin(db, account);
  await save(db, page(lease, rows, complete(rows)));
  await finish(db, lease);
  await emptyQueue(db);
  return account;
}

test(
  "new rows are stored as they came",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const lease = await begin(db, account);
    const row = incoming("t1", "2026-03-05", {
      status: "pending",
      direction: "credit",
      amount: "12345678901234567890.120",
      narration: "Transfer from Ada",
      category: "transfer",
      balanceAfter: "-0.01",
      counterparty: "Ada",
      occurredAt: "2026-03-05T23:30:00.123Z",
    });
    t.deepEqual(await save(db, page(lease, [row])), {
      outcome: "ok",
      new_count: 1,
      changed_count: 0,
      unchanged_count: 0,
      removed_count: 0,
      deferred: [],
    });
    const [stored] = await transactionRows(db, account);
    t.like(stored, {
      account_id: account.accountId,
      user_id: account.userId,
      source: "mono",
      provider_transaction_id: "t1",
      status: "pending",
      direction: "credit",
      amount: "12345678901234567890.120",
      currency: "NGN",
      occurred_at: "2026-03-05 23:30:00.123+00",
      occurred_on: "2026-03-05",
      narration: "Transfer from Ada",
      provider_category: "transfer",
      balance_after: "-0.01",
      counterparty: "Ada",
      category: null,
      note: null,
      first_seen_at: "2026-03-10 12:00:00+00",
      changed_at: null,
      run_id: lease.runId,
      revision: 1,
    });
  }),
);

test(
  "rows that are known are counted and left alone",
  withDb(async (t, db) => {
    const rows = [incoming("t1", "2026-03-05"), incoming("t2", "2026-03-06")];
    const account = await synced(db, rows);
    const before = await transactionRows(db, account);
    const lease = await begin(db, account);
    // 100 and 100.00 are the same money.
    const again = [incoming("t1", "2026-03-05", { amount: "100" }), incoming("t2", "2026-03-06")];
    t.like(await save(db, page(lease, again, complete(again))), { outcome: "ok", new_count: 0, unchanged_count: 2 });
    t.deepEqual(await transactionRows(db, account), before);
    t.deepEqual(await revisions(db, account), []);
  }),
);

test(
  "a changed row keeps its earlier version, and what the user set",
  withDb(async (t, db) => {
    const account = await synced(db, [incoming("t1", "2026-03-05", { status: "pending", category: "old" })]);
    await db.query("update app_public.transactions set category = 'rent', note = 'for March'");
    const later = incoming("t1", "2026-03-06", { amount: "100.50", category: "new", counterparty: "Landlord" });
    await setClock(db, "2026-03-11T12:00:00Z");
    const lease = await begin(db, account);
    t.like(await save(db, page(lease, [later])), { outcome: "ok", changed_count: 1, new_count: 0, unchanged_count: 0 });
    t.like((await transactionRows(db, account))[0], {
      status: "posted",
      amount: "100.50",
      occurred_on: "2026-03-06",
      provider_category: "new",
      counterparty: "Landlord",
      category: "rent",
      note: "for March",
      revision: 2,
      run_id: lease.runId,
      first_seen_at: "2026-03-10 12:00:00+00",
      changed_at: "2026-03-11 12:00:00+00",
    });
    const kept = await revisions(db, account);
    t.is(kept.length, 1);
    t.like(kept[0], {
      kind: "changed",
      revision: 1,
      user_id: account.userId,
      status: "pending",
      amount: "100.00",
      occurred_on: "2026-03-05",
      provider_category: "old",
      provider_transaction_id: "t1",
      replaced_by_run: lease.runId,
      replaced_at: "2026-03-11 12:00:00+00",
    });
  }),
);

for (const [field, value] of [
  ["status", "failed"],
  ["direction", "credit"],
  ["amount", "100.01"],
  ["currency", "USD"],
  ["occurredAt", "2026-03-05T10:00:00.001Z"],
  ["occurredOn", "2026-03-04"],
  ["narration", null],
  ["category", "food"],
  ["balanceAfter", "0"],
  ["counterparty", "Ada"],
] as const) {
  test(
    `a change of ${field} alone is a change`,
    withDb(async (t, db) => {
      const account = await synced(db, [incoming("t1", "2026-03-05")]);
      const lease = await begin(db, account);
      const changed = incoming("t1", "2026-03-05", { [field]: value });
      t.like(await save(db, page(lease, [changed])), { changed_count: 1 });
      t.like(await save(db, page(lease, [changed])), { changed_count: 0, unchanged_count: 1 });
    }),
  );
}

test(
  "a row that the provider no longer returns is removed, and restored when it comes back",
  withDb(async (t, db) => {
    const rows = [incoming("t1", "2026-03-05"), incoming("t2", "2026-03-06")];
    const account = await synced(db, rows);
    await db.query("update app_public.transactions set note = 'mine' where provider_transaction_id = 't1'");
    const without = rows.slice(1);

    const second = await begin(db, account);
    t.like(await save(db, page(second, without)), { removed_count: 0 }, "a page that is not the last judges nothing");
    t.like(await save(db, page(second, without, complete(without))), { removed_count: 1, unchanged_count: 1 });
    t.deepEqual(await statuses(db, account), ["t1 removed", "t2 posted"]);
    t.like(await save(db, page(second, without, complete(without))), { removed_count: 0 }, "it is removed once");
    await finish(db, second);

    const third = await begin(db, account);
    t.like(await save(db, page(third, rows, complete(rows))), { changed_count: 1, new_count: 0, removed_count: 0 });
    t.deepEqual(await statuses(db, account), ["t1 posted", "t2 posted"]);
    t.like((await transactionRows(db, account))[0], { note: "mine", revision: 3 });
    t.deepEqual(
      (await revisions(db, account)).map(({ kind, status, revision }) => [kind, status, revision]),
      [
        ["removed", "posted", 1],
        ["restored", "removed", 2],
      ],
    );
  }),
);

test(
  "only rows of the window's own days and source are judged missing",
  withDb(async (t, db) => {
    const rows = [incoming("early", "2026-03-02"), incoming("late", "2026-03-09")];
    const account = await synced(db, rows);
    const lease = await begin(db, account);
    const window = { from: "2026-03-03", to: "2026-03-08" };
    t.like(await save(db, page(lease, [], { ...complete([]), ...window })), { removed_count: 0 });
    t.like(await save(db, page(lease, [], { ...complete([]), ...window, to: "2026-03-09" })), { removed_count: 1 });
    t.deepEqual(await statuses(db, account), ["early posted", "late removed"]);
  }),
);

test(
  "an id whose row was refused still stands among the window's ids: its stored version stays",
  withDb(async (t, db) => {
    const rows = [incoming("t1", "2026-03-05"), incoming("t2", "2026-03-06")];
    const account = await synced(db, rows);
    const lease = await begin(db, account);
    t.like(await save(db, page(lease, rows.slice(1), complete(rows))), { removed_count: 0, unchanged_count: 1 });
    t.like(await save(db, page(lease, rows.slice(1), complete(rows.slice(1)))), { removed_count: 1 });
  }),
);

test(
  "a new id with a stored row's fingerprint waits for the window's end; if the old id is gone, it is that row",
  withDb(async (t, db) => {
    const old = incoming("old", "2026-03-05", { status: "pending", narration: "Rent  March" });
    const account = await synced(db, [old]);
    await db.query("update app_public.transactions set category = 'rent', note = 'mine'");
    const [before] = await transactionRows(db, account);
    const lease = await begin(db, account);
    const reissued = incoming("new", "2026-03-05", {
      narration: " rent march ",
      occurredAt: "2026-03-05T11:00:00.000Z",
      balanceAfter: "5",
    });

    t.deepEqual((await save(db, page(lease, [reissued]))).deferred, ["new"]);
    t.deepEqual(await statuses(db, account), ["old pending"], "nobody ever sees the double");

    const last = await save(db, page(lease, [reissued], { page: 2, ...complete([reissued]) }));
    t.like(last, { new_count: 0, changed_count: 1, removed_count: 0, deferred: [] });
    const after = await transactionRows(db, account);
    t.is(after.length, 1);
    t.like(after[0], {
      id: before?.id,
      provider_transaction_id: "new",
      status: "posted",
      narration: " rent march ",
      balance_after: "5",
      category: "rent",
      note: "mine",
      revision: 2,
    });
    t.like((await revisions(db, account))[0], { kind: "reissued", provider_transaction_id: "old", status: "pending" });
  }),
);

test(
  "a new id with a stored row's fingerprint, whose id is still there, is a second, equal payment",
  withDb(async (t, db) => {
    const first = incoming("a", "2026-03-05", { narration: "Airtime" });
    const account = await synced(db, [first]);
    const lease = await begin(db, account);
    const second = incoming("b", "2026-03-05", { narration: "Airtime" });
    t.deepEqual((await save(db, page(lease, [second]))).deferred, ["b"]);
    const last = await save(db, page(lease, [second, first], complete([first, second])));
    t.like(last, { new_count: 1, changed_count: 0, unchanged_count: 1, deferred: [] });
    t.deepEqual(await statuses(db, account), ["a posted", "b posted"]);
  }),
);

test(
  "a new id is not held back when its look-alike is on the same page",
  withDb(async (t, db) => {
    const first = incoming("a", "2026-03-05", { narration: "Airtime" });
    const account = await synced(db, [first]);
    const lease = await begin(db, account);
    const second = incoming("b", "2026-03-05", { narration: "Airtime" });
    t.like(await save(db, page(lease, [first, second])), { new_count: 1, unchanged_count: 1, deferred: [] });
  }),
);

for (const [what, difference] of [
  ["another day", { occurredOn: "2026-03-06" }],
  ["another amount", { amount: "100.01" }],
  ["another direction", { direction: "credit" }],
  ["another currency", { currency: "USD" }],
  ["another narration", { narration: "Airtime 2" }],
] as const) {
  test(
    `${what} is no look-alike`,
    withDb(async (t, db) => {
      const first = incoming("a", "2026-03-05", { narration: "Airtime" });
      const account = await synced(db, [first]);
      const lease = await begin(db, account);
      const other = { ...incoming("b", "2026-03-05", { narration: "Airtime" }), ...difference };
      t.like(await save(db, page(lease, [other])), { new_count: 1, deferred: [] });
      t.like(await save(db, page(lease, [other], complete([other]))), { removed_count: 1, changed_count: 0 });
      t.deepEqual(await statuses(db, account), ["a removed", "b posted"]);
    }),
  );
}

test(
  "equal payments of one day pair one to one: one missing row stands for one new row",
  withDb(async (t, db) => {
    const airtime = (id: string, hour: string) =>
      incoming(id, "2026-03-05", { narration: "Airtime", occurredAt: `2026-03-05T${hour}:00:00.000Z` });
    const before = [airtime("a", "08"), airtime("b", "09"), airtime("c", "10")];
    const account = await synced(db, before);
    for (const { id } of before) {
      await db.query("update app_public.transactions set note = $1 where provider_transaction_id = $1", [id]);
    }
    const lease = await begin(db, account);
    // b stays, a and c have new ids, and there is a fourth payment.
    const after = [airtime("z", "11"), airtime("b", "09"), airtime("y", "10"), airtime("x", "08")];
    t.like(await save(db, page(lease, after, complete(after))), {
      changed_count: 2,
      new_count: 1,
      unchanged_count: 1,
      removed_count: 0,
    });
    t.deepEqual(
      (await transactionRows(db, account)).map((row) => [row.provider_transaction_id, row.note]),
      [
        ["x", "a"],
        ["b", "b"],
        ["y", "c"],
        ["z", null],
      ],
    );
  }),
);

test(
  "a re-link in which every id changes keeps every row's identity",
  withDb(async (t, db) => {
    const days = ["2026-03-01", "2026-03-02", "2026-03-02", "2026-03-04", "2026-03-08", "2026-03-10"];
    const before = days.map((day, n) => incoming(`old-${n}`, day, { narration: "POS", amount: `${n % 3}.50` }));
    const account = await synced(db, before);
    await db.query("update app_public.transactions set note = provider_transaction_id");
    const rowsBefore = await transactionRows(db, account);
    await linkMono(db, { ...account, externalId: "another-mono-id" });
    t.is(await settledDays(db, account), "{}");

    const lease = await begin(db, account);
    const after = days.map((day, n) => incoming(`new-${n}`, day, { narration: "pos", amount: `${n % 3}.50` }));
    for (const [from, to] of [
      ["2026-03-01", "2026-03-02"],
      ["2026-03-03", "2026-03-08"],
      ["2026-03-09", "2026-03-10"],
    ] as const) {
      const rows = after.filter(({ occurredOn }) => from <= occurredOn && occurredOn <= to);
      const held = await save(db, page(lease, rows, { from, to }));
      t.is(held.deferred.length, rows.length);
      t.like(await save(db, page(lease, rows, { page: 2, from, to, ...complete(rows) })), {
        changed_count: rows.length,
        new_count: 0,
        removed_count: 0,
      });
    }
    const rowsAfter = await transactionRows(db, account);
    t.deepEqual(
      rowsAfter.map(({ id, note }) => [id, note]),
      rowsBefore.map(({ id, note }) => [id, note]),
    );
    t.deepEqual(
      rowsAfter.map((row) => row.provider_transaction_id),
      after.map(({ id }) => id),
    );
  }),
);

test(
  "a removed row comes back under a new id",
  withDb(async (t, db) => {
    const old = incoming("old", "2026-03-05", { narration: "POS" });
    const account = await synced(db, [old]);
    const second = await begin(db, account);
    await save(db, page(second, [], complete([])));
    await finish(db, second);
    const third = await begin(db, account);
    const back = incoming("new", "2026-03-05", { narration: "POS" });
    t.like(await save(db, page(third, [back], complete([back]))), { changed_count: 1, new_count: 0 });
    t.deepEqual(await statuses(db, account), ["new posted"]);
  }),
);

test(
  "a row that this very run stored, and that is given a new id while the run still reads, is one row in the end",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const lease = await begin(db, account);
    const other = incoming("other", "2026-03-04");
    const first = incoming("old", "2026-03-05", { narration: "POS" });
    await save(db, page(lease, [first]));
    await db.query("update app_public.transactions set note = 'mine'");
    // The list shifted: the window is read again from its first page.
    const renamed = incoming("new", "2026-03-05", { narration: "POS" });
    t.deepEqual((await save(db, page(lease, [renamed]))).deferred, ["new"]);
    await save(db, page(lease, [renamed, other], { page: 2, ...complete([renamed, other]) }));
    t.deepEqual(await statuses(db, account), ["new posted", "other posted"]);
    t.is((await transactionRows(db, account))[0]?.note, "mine");
  }),
);

test(
  "data that may be partial: rows are saved, nothing is judged missing, no day settles, look-alikes wait on",
  withDb(async (t, db) => {
    const old = incoming("old", "2026-03-05", { narration: "POS" });
    const account = await synced(db, [old]);
    const lease = await begin(db, account);
    const before = await settledDays(db, account);
    const rows = [incoming("new", "2026-03-05", { narration: "POS" }), incoming("fresh", "2026-03-09")];
    const partial = await save(db, page(lease, rows, complete(rows, { settles: false, asOf: "2026-03-20T12:00:00Z" })));
    t.like(partial, { outcome: "ok", new_count: 1, removed_count: 0, deferred: ["new"] });
    t.deepEqual(await statuses(db, account), ["old posted", "fresh posted"]);
    t.is(await settledDays(db, account), before);
    // Positive control: the same page, settled.
    const settled = await save(db, page(lease, rows, complete(rows, { asOf: "2026-03-20T12:00:00Z" })));
    t.like(settled, { changed_count: 1, deferred: [] });
    t.not(await settledDays(db, account), before);
  }),
);

test(
  "an empty window that settles nothing, on an account that knows nothing, is quiet",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const lease = await begin(db, account);
    t.like(await save(db, page(lease, [], complete([], { settles: false }))), { outcome: "ok", new_count: 0 });
    t.is(await settledDays(db, account), "{}");
  }),
);

for (const [what, asOf, settled] of [
  [
    "data as of the 10th: settled up to the 7th, an overlap of three days",
    "2026-03-10T12:00:00Z",
    "{[2026-03-01,2026-03-08)}",
  ],
  [
    "the provider's day counts, not ours: 23:30 UTC is tomorrow in Lagos",
    "2026-03-10T23:30:00Z",
    "{[2026-03-01,2026-03-09)}",
  ],
  ["data as of later than the window: no day beyond the window", "2026-04-30T12:00:00Z", "{[2026-03-01,2026-03-11)}"],
  ["data older than the window: nothing", "2026-02-01T12:00:00Z", "{}"],
  ["data as of the third day: nothing yet", "2026-03-03T12:00:00Z", "{}"],
  ["data as of the fourth day: one day", "2026-03-04T12:00:00Z", "{[2026-03-01,2026-03-02)}"],
] as const) {
  test(
    `coverage: ${what}`,
    withDb(async (t, db) => {
      await setClock(db, "2026-05-01T12:00:00Z");
      await db.query("update app_private.sources set overlap_days = 3 where source = 'mono'");
      const account = await linkMono(db, { historyDays: 61 });
      const lease = await begin(db, account);
      t.like(await save(db, page(lease, [])), { outcome: "ok" });
      t.is(await settledDays(db, account), "{}", "an incomplete window settles nothing");
      await save(db, page(lease, [], complete([], { asOf })));
      t.is(await settledDays(db, account), settled);
    }),
  );
}

test(
  "coverage grows by each window, in whatever order they were read",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const lease = await begin(db, account);
    const asOf = "2026-03-20T12:00:00Z";
    await save(db, page(lease, [], { ...complete([], { asOf }), from: "2026-03-06", to: "2026-03-08" }));
    t.is(await settledDays(db, account), "{[2026-03-06,2026-03-09)}");
    await save(db, page(lease, [], { ...complete([], { asOf }), from: "2026-03-01", to: "2026-03-05" }));
    t.is(await settledDays(db, account), "{[2026-03-01,2026-03-09)}");
    // Reading older data of the same days takes nothing back.
    await save(db, page(lease, [], complete([], { asOf: "2026-02-01T12:00:00Z" })));
    t.is(await settledDays(db, account), "{[2026-03-01,2026-03-09)}");
  }),
);

test(
  "a lost lease writes nothing and fails none of its neighbours",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const neighbour = await linkMono(db);
    const [lease, theirs] = [await begin(db, account), await begin(db, neighbour)];
    const stale = { ...lease, epoch: lease.epoch - 1 };
    const rows = [incoming("t1", "2026-03-05")];
    const pages = [page(stale, rows, complete(rows)), page(theirs, rows, complete(rows))];
    t.deepEqual(
      (await saveTransactions(db, pages)).map(({ outcome, new_count }) => [outcome, new_count]),
      [
        ["lost", 0],
        ["ok", 1],
      ],
    );
    t.deepEqual(await statuses(db, account), []);
    t.is(await settledDays(db, account), "{}");
    t.deepEqual(await statuses(db, neighbour), ["t1 posted"]);
    // Positive control: with the lease it holds, the same page is saved.
    t.like(await save(db, page(lease, rows, complete(rows))), { outcome: "ok", new_count: 1 });
  }),
);

test(
  "a run that is closed, another run's id, and a source of another platform hold no lease",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const lease = await begin(db, account);
    const rows = [incoming("t1", "2026-03-05")];
    t.is((await save(db, { ...page(lease, rows), runId: "999999" })).outcome, "lost");
    t.is((await save(db, { ...page(lease, rows), source: "statement" })).outcome, "lost");
    t.is((await save(db, page(lease, rows))).outcome, "ok");
    await finish(db, lease);
    t.is((await save(db, page(lease, [incoming("t2", "2026-03-05")]))).outcome, "lost");
    t.deepEqual(await statuses(db, account), ["t1 posted"]);
  }),
);

test(
  "an id that a page holds twice is one row, and the later one wins",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const lease = await begin(db, account);
    const twice = ["1", "2", "3"].map((amount) => incoming("t1", "2026-03-05", { amount }));
    t.like(await save(db, page(lease, twice)), { new_count: 1, unchanged_count: 0 });
    t.like((await transactionRows(db, account))[0], { amount: "3" });
    t.like(await save(db, page(lease, twice.toReversed())), { changed_count: 1 });
    t.like((await transactionRows(db, account))[0], { amount: "1" });
  }),
);

test(
  "one account's ids are its own: the same id elsewhere is another row",
  withDb(async (t, db) => {
    const account = await synced(db, [incoming("t1", "2026-03-05")]);
    const other = await synced(db, [incoming("t1", "2026-03-05", { amount: "7" })]);
    t.like((await transactionRows(db, account))[0], { amount: "100.00" });
    t.like((await transactionRows(db, other))[0], { amount: "7" });
  }),
);

test(
  "the run's own count grows with each page, so that a run that is cut off still tells what it saved",
  withDb(async (t, db) => {
    const account = await synced(db, [incoming("t1", "2026-03-05"), incoming("t2", "2026-03-06")]);
    const lease = await begin(db, account);
    await save(db, page(lease, [incoming("t3", "2026-03-07"), incoming("t1", "2026-03-05", { amount: "7" })]));
    const rows = [incoming("t4", "2026-03-07")];
    await save(db, page(lease, rows, { page: 2, ...complete([...rows, incoming("t1", ""), incoming("t3", "")]) }));
    t.like((await runRows(db, account))[1], {
      status: "in_progress",
      new_count: 2,
      changed_count: 1,
      removed_count: 1,
      transactions_synced: 3,
      pages: 2,
    });
  }),
);

test(
  "an app's own task gets one job for what a page brought, in the same transaction, and none for nothing",
  withDb(async (t, db) => {
    const account = await synced(db, [incoming("t1", "2026-03-05")]);
    await db.query("update app_private.platforms set transactions_task = 'categorise' where platform_source = 'mono'");
    const lease = await begin(db, account);
    const rows = [incoming("t1", "2026-03-05", { amount: "7" }), incoming("t2", "2026-03-06")];

    await db.query("savepoint before_page");
    await save(db, page(lease, rows));
    t.is((await jobs(db)).length, 1);
    await db.query("rollback to savepoint before_page");
    t.deepEqual(await jobs(db), []);

    await save(db, page(lease, rows));
    const ids = (await transactionRows(db, account)).map(({ id }) => id).toReversed();
    t.like((await jobs(db))[0], {
      task: "categorise",
      payload: { accountId: account.accountId, runId: lease.runId, transactionIds: ids },
    });
    await emptyQueue(db);
    await save(db, page(lease, rows));
    t.deepEqual(await jobs(db), [], "nothing new");
    await save(db, page(lease, [], complete([])));
    t.deepEqual(await jobs(db), [], "a removal is nothing to categorise");
  }),
);

const referenceId = "11111111-1111-4111-8111-111111111111";

const referenceRow = (db: Queryable) =>
  rowOf(db, "select outcome, polls, next_poll_at, settled_at from app_private.tracked_references");

test(
  "a reference that stays open is asked for ever less often",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMomo(db);
    await db.query("select app_private.track_reference($1, $2)", [account.accountId, referenceId]);
    t.like(await referenceRow(db), { outcome: "open", polls: 0, next_poll_at: "2026-03-10 12:00:30+00" });
    const lease = await begin(db, account, "worker-1", "mtn_momo");
    const poll = (outcome: "open" | "unknown" | "settled") =>
      save(db, {
        ...page(lease, [], { source: "collections", from: null, to: null }),
        polled: [{ referenceId, outcome }],
      });
    await poll("open");
    t.like(await referenceRow(db), { outcome: "open", polls: 1, next_poll_at: "2026-03-10 12:01:00+00" });
    await poll("open");
    t.like(await referenceRow(db), { outcome: "open", polls: 2, next_poll_at: "2026-03-10 12:02:00+00" });
    // Somebody may track a reference before posting it: for a day, unknown is not an answer.
    await poll("unknown");
    t.like(await referenceRow(db), { outcome: "open", polls: 3, next_poll_at: "2026-03-10 12:05:00+00" });
    await setClock(db, "2026-03-11T12:00:00Z");
    await poll("unknown");
    t.like(await referenceRow(db), { outcome: "unknown", next_poll_at: null, settled_at: "2026-03-11 12:00:00+00" });
    // What is closed stays closed.
    await poll("open");
    t.like(await referenceRow(db), { outcome: "unknown", polls: 4 });
  }),
);

test(
  "a settled reference is asked for no more; its transaction is a row without a window",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMomo(db);
    const stranger = await linkMomo(db);
    await db.query("select app_private.track_reference($1, $2)", [account.accountId, referenceId]);
    const lease = await begin(db, account, "worker-1", "mtn_momo");
    const theirs = await begin(db, stranger, "worker-1", "mtn_momo");
    const row = incoming(referenceId, "2026-03-10", { currency: "UGX", direction: "credit" });
    const settled = (of: typeof lease) =>
      save(db, {
        ...page(of, of === lease ? [row] : [], { source: "collections", from: null, to: null }),
        polled: [{ referenceId, outcome: "settled" }],
      });
    await settled(theirs);
    t.like(
      await referenceRow(db),
      { outcome: "open", polls: 0 },
      "another account's reference is none of its business",
    );
    t.like(await settled(lease), { outcome: "ok", new_count: 1, deferred: [] });
    t.like(await referenceRow(db), { outcome: "settled", polls: 1, next_poll_at: null });
    // Two equal payments of one day are two references: nothing is deferred where there are no windows.
    const twin = incoming("22222222-2222-4222-8222-222222222222", "2026-03-10", {
      currency: "UGX",
      direction: "credit",
      narration: row.narration,
    });
    const nextRun = await finish(db, lease).then(() => begin(db, account, "worker-1", "mtn_momo"));
    const saved = await save(db, page(nextRun, [twin], { source: "collections", from: null, to: null }));
    t.like(saved, { new_count: 1, deferred: [] });
  }),
);

test(
  "a page that breaks a rule of the table is an error, not a half-written page",
  withDb(async (t, db) => {
    const account = await synced(db, []);
    const lease = await begin(db, account);
    const rows = [incoming("good", "2026-03-05"), incoming("bad", "2026-03-05", { amount: "-1" })];
    await db.query("savepoint before_page");
    await t.throwsAsync(save(db, page(lease, rows)), { code: "23514" });
    await db.query("rollback to savepoint before_page");
    t.deepEqual(await statuses(db, account), []);
    t.is((await accountRow(db, account)).sync_status, "active");
    t.like(await save(db, page(lease, rows.slice(0, 1))), { new_count: 1 });
  }),
);
