import test from "ava";
import fc from "fast-check";
import type { Client } from "pg";
import { readWindow } from "../../tasks/@sync/read_window.ts";
import type { IncomingTransaction, LeasedAccount, Platform } from "../../tasks/@sync/platform.ts";
import { coalescedVerbs } from "../../tasks/@sync/run_verbs.ts";
import { type SyncOutcome, syncAccount } from "../../tasks/@sync/sync_account.ts";
import { type LeaseDetails, resumeSyncs } from "../queries/runs.ts";
import { stopWorker } from "../queries/workers.ts";
import type { Queryable } from "../queryable.ts";
import { rowsOf } from "../testing/ask.ts";
import { withClonedDb } from "../testing/database.ts";
import { type Account, begin, linkMono, setClock } from "../testing/world.ts";

/**
 * A provider's ledger that changes as real ones do, and an account that is synced from it again and again, through the
 * code that production runs (sync_account, read_window and the verbs). Whatever happened on the way: what is settled is
 * true at every moment, and in the end the table is the ledger.
 */

const overlap = 3;
const epoch = Date.UTC(2026, 0, 1);
const day = (n: number): string => new Date(epoch + n * 86_400_000).toISOString().slice(0, 10);
const noonOf = (n: number): string => `${day(n)}T12:00:00.000Z`;

// ---------------------------------------------------------------------------------------------------- the ledger

type LedgerRow = IncomingTransaction & { day: number };

/** Few amounts and narrations, so that equal payments of one day are common. */
type LedgerEvent =
  | { kind: "post"; late: number; amount: number; narration: string; pending: boolean }
  | { kind: "change"; pick: number; amount: number }
  | { kind: "settle" | "remove" | "reissue" | "redate"; pick: number };

/**
 * A day is settled by data of the `overlap`-th day after it, so nothing may happen to it from then on: this is what a
 * late posting "up to the overlap" means.
 */
class Ledger {
  rows: LedgerRow[] = [];
  today: number;
  readonly firstDay: number;
  readonly #snapshots = new Map<number, LedgerRow[]>();
  #ids = 0;

  constructor(firstDay: number, today: number) {
    this.firstDay = firstDay;
    this.today = today;
  }

  pass(days: number): void {
    for (let n = 0; n < days; n += 1) {
      this.#snapshots.set(this.today, this.rows);
      this.today += 1;
    }
  }

  /** What a cache of `days` ago would answer. */
  asOf(days: number): LedgerRow[] {
    return this.#snapshots.get(this.today - days) ?? this.rows;
  }

  renameAll(): void {
    this.rows = this.rows.map((row) => ({ ...row, id: this.#id() }));
    // The new link has no cache of older days.
    this.#snapshots.clear();
  }

  apply(event: LedgerEvent): void {
    const oldest = Math.max(this.firstDay, this.today - overlap + 1);
    if (event.kind === "post") {
      const on = Math.max(oldest, this.today - event.late);
      this.rows = [...this.rows, this.#row(on, event.amount, event.narration, event.pending)];
      return;
    }
    const recent = this.rows.filter((row) => row.day >= oldest);
    const picked = recent[event.pick % Math.max(1, recent.length)];
    if (picked === undefined) return;
    const replacement = this.#replacement(event, picked, oldest);
    this.rows = this.rows.flatMap((row) => (row === picked ? replacement : [row]));
  }

  #replacement(event: Exclude<LedgerEvent, { kind: "post" }>, row: LedgerRow, oldest: number): LedgerRow[] {
    switch (event.kind) {
      case "change":
        return [{ ...row, amount: `${event.amount}.50`, balanceAfter: "1.00" }];
      case "settle":
        return [{ ...row, status: "posted", id: this.#id(), occurredAt: `${day(row.day)}T15:00:00.000Z` }];
      case "remove":
        return [];
      case "reissue":
        return [{ ...row, id: this.#id(), narration: ` ${String(row.narration).toUpperCase()} ` }];
      case "redate":
        return [{ ...row, day: oldest, occurredOn: day(oldest) }];
    }
  }

  #id(): string {
    this.#ids += 1;
    return `id-${this.#ids}`;
  }

  #row(on: number, amount: number, narration: string, pending: boolean): LedgerRow {
    return {
      id: this.#id(),
      day: on,
      status: pending ? "pending" : "posted",
      direction: amount % 2 === 0 ? "credit" : "debit",
      amount: `${amount}.50`,
      currency: "NGN",
      occurredAt: `${day(on)}T10:00:00.000Z`,
      occurredOn: day(on),
      narration,
      category: null,
      balanceAfter: null,
      counterparty: null,
    };
  }
}

const anyEvent: fc.Arbitrary<LedgerEvent> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("post" as const),
      late: fc.integer({ min: 0, max: overlap - 1 }),
      amount: fc.integer({ min: 1, max: 2 }),
      narration: fc.constantFrom("Airtime", "POS"),
      pending: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("change" as const),
      pick: fc.nat(20),
      amount: fc.integer({ min: 1, max: 2 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom("settle", "remove", "reissue", "redate"), pick: fc.nat(20) }),
  },
);

// ------------------------------------------------------------------------------------------------------ the syncs

type Sync = {
  pageSize: number;
  /** How old the provider's cache is, in days. */
  cacheAge: number;
  /** The provider says that its data may be partial, and leaves out every third row. */
  partial: boolean;
  /** What goes wrong, and at the how-manieth page. */
  trouble: "none" | "provider" | "crash" | "buried" | "suspend";
  at: number;
  /** Happens in the ledger while the trouble's page is read. */
  meanwhile: LedgerEvent[];
};

const anySync: fc.Arbitrary<Sync> = fc.record({
  pageSize: fc.integer({ min: 1, max: 6 }),
  cacheAge: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 5 }) },
  ),
  partial: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  trouble: fc.constantFrom("none", "none", "provider", "crash", "buried", "suspend"),
  at: fc.integer({ min: 1, max: 6 }),
  meanwhile: fc.array(anyEvent, { maxLength: 2 }),
});

const untroubled: Sync = { pageSize: 6, cacheAge: 0, partial: false, trouble: "none", at: 1, meanwhile: [] };

class ProviderFailure extends Error {}
class Crash extends Error {}

const worker = "model worker";

/** The simplest platform there is: a sorted list, cut into pages, with a total. */
class LedgerPlatform implements Platform {
  readonly name = "mono";
  readonly #ledger: Ledger;
  readonly #db: Client;
  readonly #plan: Sync;
  crashed = false;
  #pages = 0;

  constructor(ledger: Ledger, db: Client, plan: Sync) {
    this.#ledger = ledger;
    this.#db = db;
    this.#plan = plan;
  }

  async *sync({ windows, resumed }: LeasedAccount): ReturnType<Platform["sync"]> {
    const { cacheAge, partial, trouble, at, pageSize } = this.#plan;
    const dataDay = this.#ledger.today - cacheAge;
    yield { kind: "data_as_of", asOf: noonOf(dataDay) };
    const fetched = new Set<string>();
    for (const window of windows) {
      if (trouble === "suspend" && !resumed && fetched.size >= at) {
        yield { kind: "suspend", until: noonOf(this.#ledger.today), state: {} };
        return;
      }
      yield* readWindow(
        window,
        async (page) => {
          await this.#happen();
          const rows = (cacheAge === 0 ? this.#ledger.rows : this.#ledger.asOf(cacheAge))
            .filter(
              (row, n) => !(partial && n % 3 === 0) && window.from <= row.occurredOn && row.occurredOn <= window.to,
            )
            // Newest first, as Mono tells them.
            .toSorted((a, b) => b.day - a.day || (a.id < b.id ? -1 : 1));
          fetched.add(`${window.from} ${page}`);
          return {
            rows: rows.slice((page - 1) * pageSize, page * pageSize).map((transaction) => ({ ok: true, transaction })),
            total: rows.length,
            nextPage: page * pageSize < rows.length ? page + 1 : null,
          };
        },
        { settles: !partial },
      );
    }
  }

  async #happen(): Promise<void> {
    this.#pages += 1;
    if (this.#pages !== this.#plan.at) return;
    for (const event of this.#plan.meanwhile) this.#ledger.apply(event);
    if (this.#plan.trouble === "provider") throw new ProviderFailure();
    if (this.#plan.trouble === "crash") this.crashed = true;
    if (this.#plan.trouble === "buried") await stopWorker(this.#db, worker);
  }

  async explain(): ReturnType<Platform["explain"]> {
    return { kind: "transient", message: "The provider failed.", code: null, retryAt: null };
  }

  async close(): Promise<void> {}
}

async function run(db: Client, ledger: Ledger, details: LeaseDetails, plan: Sync, resumed: boolean) {
  const platform = new LedgerPlatform(ledger, db, plan);
  // A process that died calls nothing any more.
  const mortal: Queryable = {
    query: (text, values) => (platform.crashed ? Promise.reject(new Crash()) : db.query(text, values)),
  };
  return syncAccount(
    { ...details, baseUrl: "", resumed, credentials: {} },
    {
      verbs: coalescedVerbs(mortal),
      platform,
      context: {
        now: () => new Date(noonOf(ledger.today)),
        signal: new AbortController().signal,
        stopping: new AbortController().signal,
        permit: () => Promise.resolve(),
        requests: () => 0,
        renewKey: () => Promise.resolve(null),
        tokens: () => {
          throw new Error("A ledger has no tokens");
        },
      },
    },
  );
}

async function sync(
  db: Client,
  ledger: Ledger,
  account: Account,
  plan: Sync,
): Promise<SyncOutcome["kind"] | "crashed"> {
  await setClock(db, noonOf(ledger.today));
  const details = await begin(db, account, worker);
  try {
    const outcome = await run(db, ledger, details, plan, false);
    if (outcome.kind !== "suspended") return outcome.kind;
    const [resumed] = await resumeSyncs(db, "mono", worker, [{ accountId: account.accountId, runId: details.runId }]);
    if (resumed?.outcome !== "begun") throw new Error(`resume_syncs answered ${String(resumed?.outcome)}`);
    return (await run(db, ledger, resumed.details, { ...plan, trouble: "none" }, true)).kind;
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
    await stopWorker(db, worker);
    return "crashed";
  }
}

// --------------------------------------------------------------------------------------------------- what must hold

const told = ({ id, status, direction, amount, occurredAt, occurredOn, narration, balanceAfter }: LedgerRow): string =>
  [id, status, direction, amount, Date.parse(occurredAt), occurredOn, narration, balanceAfter].join("|");

/** The table, as the ledger would tell it, and whether each day is settled. */
async function stored(db: Client, { accountId }: Account): Promise<{ told: string; settled: boolean }[]> {
  const rows = await rowsOf(
    db,
    `select concat_ws('|', provider_transaction_id, status, direction, amount,
         (extract(epoch from occurred_at) * 1000)::bigint, occurred_on, narration, coalesce(balance_after::text, '')) as told,
       settled @> occurred_on as settled
     from app_public.transactions t
     join app_private.coverage c using (account_id)
     where account_id = $1 and status <> 'removed'
     order by 1`,
    [accountId],
  );
  return rows.map((row) => ({ told: String(row.told), settled: row.settled === true }));
}

async function settledDays(db: Client, { accountId }: Account): Promise<Set<string>> {
  const rows = await rowsOf(
    db,
    `select generate_series(lower(r), upper(r) - 1, interval '1 day')::date as day
     from app_private.coverage, unnest(settled) as r where account_id = $1`,
    [accountId],
  );
  return new Set(rows.map((row) => String(row.day)));
}

async function checkSettled(db: Client, ledger: Ledger, account: Account): Promise<void> {
  const settled = await settledDays(db, account);
  const expected = ledger.rows.filter((row) => settled.has(row.occurredOn)).map(told);
  const found = (await stored(db, account)).filter((row) => row.settled).map((row) => row.told);
  same("a settled day is not what the provider has", found, expected);
}

function same(what: string, found: string[], expected: string[]): void {
  const [a, b] = [found.toSorted().join("\n"), expected.toSorted().join("\n")];
  if (a !== b) throw new Error(`${what}\nfound:\n${a}\nexpected:\n${b}`);
}

/** Every earlier version was kept, and nobody's row was lost: ids are handed on, never taken away. */
async function checkRevisions(db: Client, { accountId }: Account): Promise<void> {
  const broken = await rowsOf(
    db,
    `select t.id from app_public.transactions t
     where account_id = $1
       and t.revision <> 1 + (select count(*) from app_public.transaction_revisions r where r.transaction_id = t.id)`,
    [accountId],
  );
  if (broken.length > 0) throw new Error("an earlier version was lost");
}

const history = fc.record({
  historyDays: fc.integer({ min: 1, max: 20 }),
  windowDays: fc.constantFrom(1, 4, 7, 31),
  steps: fc.array(
    fc.record({
      days: fc.constantFrom(0, 1, 1, 2, 10),
      events: fc.array(anyEvent, { maxLength: 8 }),
      relink: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      sync: anySync,
    }),
    { minLength: 1, maxLength: 5 },
  ),
});

test(
  "whatever the ledger's history, however the syncs were cut: settled days are true, and in the end all is there once",
  withClonedDb(async (t, cloned) => {
    const db = await cloned.connect("app_owner");
    const outcomes = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(history, async ({ historyDays, windowDays, steps }) => {
        const linkDay = 30;
        const ledger = new Ledger(linkDay - historyDays, linkDay);
        await setClock(db, noonOf(linkDay));
        await db.query("update app_private.sources set window_days = $1 where source = 'mono'", [windowDays]);
        const account = await linkMono(db, { historyDays });
        for (const { days, events, relink, sync: plan } of steps) {
          for (const event of events) ledger.apply(event);
          ledger.pass(days);
          if (relink) {
            ledger.renameAll();
            await setClock(db, noonOf(ledger.today));
            await linkMono(db, { ...account, externalId: `relinked-${account.accountId}`, historyDays });
          }
          const outcome = await sync(db, ledger, account, relink ? { ...plan, cacheAge: 0 } : plan);
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
          await checkSettled(db, ledger, account);
        }
        ledger.pass(1);
        t.is(await sync(db, ledger, account, untroubled), "success");
        await checkSettled(db, ledger, account);
        same(
          "the table is not the ledger",
          (await stored(db, account)).map((row) => row.told),
          ledger.rows.map(told),
        );
        await checkRevisions(db, account);
      }),
      { numRuns: 300 },
    );
    // Positive control: each ending was really met.
    for (const outcome of ["success", "failed", "lost", "crashed"]) t.true((outcomes.get(outcome) ?? 0) > 20, outcome);
    t.log(Object.fromEntries(outcomes));
  }),
);
