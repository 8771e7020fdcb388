/** What tests, the demo and the soak may do to the simulator, and ask it. The control endpoint calls these same methods. */
import { z } from "zod";
import type { ClockMove, VirtualClock } from "../clock.ts";
import type { Fault, FaultPlan, FaultReport, Faults } from "../faults.ts";
import type { RequestRecord, SimulatorServer } from "../http.ts";
import type { Seed } from "../random.ts";
import type { RateLimit, SlidingWindowLimiter } from "../rate_limit.ts";
import { cachedBalance, cachedStatement, dataStatus, transactionId, type LinkedAccount } from "./accounts.ts";
import type {
  ActionInput,
  ConsentChange,
  DataStatus,
  NewAccount,
  NewTransaction,
  RealtimeSettings,
  StatusChange,
  TransactionChange,
} from "./actions.ts";
import { UnknownThing } from "./errors.ts";
import type { MonoEvent } from "./events.ts";
import { dayName, dayNumber } from "./lagos.ts";
import type { LedgerRow } from "./ledger.ts";
import type { ShiftOrder, Shifts } from "./shift.ts";
import type { WebhookCounts, Webhooks, WebhookSettings } from "./webhooks.ts";
import type { World } from "./world.ts";

/** One row of the oracle. Money in kobo. */
export type TrueTransaction = {
  id: string;
  amount: bigint;
  type: "credit" | "debit";
  narration: string | null;
  /** As served: may be "unknown" or null. */
  category: string | null;
  balance: bigint | null;
  /** As served, ISO 8601 in UTC. */
  date: string;
  /** The day in Africa/Lagos, `YYYY-MM-DD`. */
  day: string;
  /** When the bank began to show it. */
  visibleAt: number;
  /** Fields that are served wrongly on purpose. */
  raw: Record<string, unknown> | null;
};

export type Truth = {
  account: string;
  currency: string;
  asOf: number;
  balance: bigint;
  /** Newest first, as Mono lists them. */
  transactions: TrueTransaction[];
};

/** What Mono would serve now: the cache, and the moment it speaks for. Null where it would serve nothing. */
export type Cached = {
  account: string;
  asOf: number | null;
  balance: bigint | null;
  transactions: TrueTransaction[] | null;
};

export const limitSettings = z.strictObject({
  limit: z.int().positive(),
  windowMs: z.int().positive(),
  /** Mono promises no Retry-After. */
  retryAfter: z.enum(["none", "seconds", "date"]).default("none"),
  /** By which time the window slides. Machine time is what a real provider would measure, however a test's clock jumps. */
  clock: z.enum(["virtual", "machine"]).default("virtual"),
});
export type LimitSettings = z.input<typeof limitSettings>;

export const keySettings = z.strictObject({
  /** The only key that is accepted from now on. */
  secretKey: z.string().min(1).exactOptional(),
  /** What a wrong key gets. */
  refusal: z.union([z.literal(401), z.literal(403)]).exactOptional(),
});
export type KeySettings = z.output<typeof keySettings>;

export type MonoState = {
  seed: Seed;
  now: number;
  offsetMs: number;
  accounts: {
    id: string;
    bankAccount: number;
    institution: string;
    bankCode: string;
    number: string;
    name: string;
    type: string;
    currency: string;
    customer: string;
    login: string;
    gone: boolean;
    dataStatus: DataStatus;
    consentExpired: boolean;
    /** Visible at the bank now. */
    transactions: number;
    cachedAsOf: number | null;
    jobs: number;
    lastJob: { id: string; status: string } | null;
  }[];
  requests: Record<string, number>;
  recent: RequestRecord[];
  breaches: number;
  rateLimit: RateLimit | null;
  realtimeSessions: number;
  paidRefreshes: number;
  chargesKobo: bigint;
  faults: FaultReport;
  webhooks: WebhookCounts;
  /** Messages of errors that are the simulator's own. A test may insist that there are none. */
  bugs: string[];
};

/** The running parts that the control methods reach into. */
export type ControlScene = {
  world: () => World;
  reset: () => void;
  clock: VirtualClock;
  server: () => SimulatorServer;
  faults: Faults;
  limiter: SlidingWindowLimiter;
  limits: { settings: z.output<typeof limitSettings> | null };
  key: { secretKey: string; refusal: 401 | 403 };
  shifts: Shifts;
  webhooks: Webhooks;
  failures: () => unknown[];
};

export class MonoControl {
  readonly #scene: ControlScene;

  constructor(scene: ControlScene) {
    this.#scene = scene;
  }

  state(): MonoState {
    const { clock, faults, limiter, webhooks } = this.#scene;
    const world = this.#world();
    world.settle();
    return {
      seed: world.seed,
      now: clock.now(),
      offsetMs: clock.offsetMs,
      accounts: world.accounts().map((account) => stateOf(world, account)),
      requests: this.#scene.server().counts(),
      recent: this.#scene.server().recent(),
      breaches: limiter.breaches,
      rateLimit: limiter.limit,
      ...world.costs(),
      faults: faults.report(),
      webhooks: webhooks.counts(),
      bugs: [...this.#scene.server().bugs(), ...this.#scene.failures()].map((bug) =>
        bug instanceof Error ? bug.message : String(bug),
      ),
    };
  }

  /** Jobs end and webhooks leave as their time passes, in order. */
  moveClock(move: ClockMove): void {
    const { clock } = this.#scene;
    clock.move(move);
    this.#perform({ kind: "move_clock", offsetMs: clock.offsetMs });
  }

  /** Links an account, without the detour over Connect. @returns its id. */
  createAccount(settings: NewAccount = {}): string {
    return this.#perform({ kind: "create_account", settings });
  }

  /** @returns its id. */
  createCustomer({ name, email }: { name: string; email: string }): string {
    return this.#perform({ kind: "create_customer", name, email });
  }

  /** The id of the first customer with this address. */
  customerByEmail(email: string): string | null {
    return (
      this.#world()
        .customers()
        .find((customer) => customer.email === email)?.id ?? null
    );
  }

  /** The bank knows a further row, now or (visibleAt) later. @returns its id. */
  addTransaction(account: string, transaction: NewTransaction): string {
    return this.#perform({ kind: "add_transaction", account, transaction });
  }

  changeTransaction(account: string, transaction: string, change: TransactionChange): void {
    this.#perform({ kind: "change_transaction", account, transaction, change });
  }

  removeTransaction(account: string, transaction: string): void {
    this.#perform({ kind: "remove_transaction", account, transaction });
  }

  restoreTransaction(account: string, transaction: string): void {
    this.#perform({ kind: "restore_transaction", account, transaction });
  }

  /** The same row under another id, which is returned. */
  reissueTransaction(account: string, transaction: string): string {
    return this.#perform({ kind: "reissue_transaction", account, transaction });
  }

  /** For every account of the same login. */
  setConsent(account: string, change: ConsentChange): void {
    this.#perform({ kind: "set_consent", account, change });
  }

  /** The same bank account under a new account id and new transaction ids; the old id is unknown from now on. */
  relink(account: string, options: { announce?: boolean } = {}): string {
    return this.#perform({ kind: "relink", account, ...options });
  }

  unlink(account: string): void {
    this.#perform({ kind: "unlink", account });
  }

  /** What is left out stays as it is. */
  setRealtime(account: string, settings: Partial<RealtimeSettings>): void {
    this.#perform({ kind: "set_realtime", account, settings });
  }

  setStatus(account: string, change: StatusChange): void {
    this.#perform({ kind: "set_status", account, change });
  }

  /** While a bank is down, jobs that start for its accounts fail. */
  setInstitution(bankCode: string, change: { down: boolean }): void {
    this.#perform({ kind: "set_institution", bankCode, ...change });
  }

  /**
   * The user goes through the page behind `mono_url`.
   *
   * @param settings those of a new account that differ from what the link was made for.
   * @returns a code for a link, the account's id for a re-auth.
   */
  completeConnect(token: string, settings: Record<string, unknown> = {}): string {
    return this.#perform({ kind: "complete_connect", token, settings });
  }

  /** The oracle: all that the bank shows at a moment, now unless told. Also for accounts that are gone. */
  truth(accountId: string, asOf: number = this.#world().now()): Truth {
    const world = this.#world();
    const account = anyAccount(world, accountId);
    const { rows, balance } = world.truth(account, asOf);
    return {
      account: account.id,
      currency: account.bank.currency,
      asOf,
      balance,
      transactions: rows.map((row) => trueTransaction(world, account, row)),
    };
  }

  cached(accountId: string): Cached {
    const world = this.#world();
    world.settle();
    const account = anyAccount(world, accountId);
    const rows = cachedStatement(account)?.rows ?? null;
    return {
      account: account.id,
      asOf: rows === null ? null : (account.statement?.time ?? null),
      balance: cachedBalance(account),
      transactions: rows?.map((row) => trueTransaction(world, account, row)) ?? null,
    };
  }

  shift(order: ShiftOrder): void {
    anyAccount(this.#world(), order.account);
    this.#scene.shifts.add(order);
  }

  /** Forgets the shifts that no list has met yet. */
  clearShifts(): void {
    this.#scene.shifts.clear();
  }

  /** Null: no limit. Breaches so far stay counted. */
  setRateLimit(settings: LimitSettings | null): void {
    const { limiter, limits } = this.#scene;
    limits.settings = settings === null ? null : limitSettings.parse(settings);
    limiter.configure(limits.settings);
  }

  setKey(settings: KeySettings): void {
    Object.assign(this.#scene.key, keySettings.parse(settings));
  }

  configureWebhooks(settings: WebhookSettings): void {
    this.#scene.webhooks.configure(settings);
  }

  /** Tries everything that waits once; resolves when all were answered. */
  flushWebhooks(): Promise<WebhookCounts> {
    return this.#scene.webhooks.flush();
  }

  /** The last 1,000 events, sent or not. */
  events(): MonoEvent[] {
    return this.#scene.webhooks.events();
  }

  addFault(fault: Fault): void {
    this.#scene.faults.add(fault);
  }

  clearFaults(): void {
    this.#scene.faults.clear();
  }

  /** A standing source of faults; only from within the process. */
  followFaultPlan(plan: FaultPlan | null): void {
    this.#scene.faults.follow(plan);
  }

  /** The world as it was before anything was done to it; an own journal is emptied. Clock, limits and key stay. */
  reset(): void {
    this.#scene.reset();
  }

  #world(): World {
    return this.#scene.world();
  }

  #perform(action: ActionInput): string {
    return this.#world().perform(action);
  }
}

function anyAccount(world: World, id: string): LinkedAccount {
  const account = world.accounts().find((each) => each.id === id);
  if (account === undefined) throw new UnknownThing("Account not found");
  return account;
}

function trueTransaction(world: World, account: LinkedAccount, row: LedgerRow): TrueTransaction {
  const { amount, type, narration, category, balance, date, visibleAt, raw } = row;
  const id = transactionId(world.seed, account, row);
  return {
    id,
    amount,
    type,
    narration,
    category,
    balance,
    date,
    day: dayName(dayNumber(Date.parse(date))),
    visibleAt,
    raw,
  };
}

function stateOf(world: World, account: LinkedAccount): MonoState["accounts"][number] {
  const { bank } = account;
  const last = account.jobs.at(-1);
  return {
    id: account.id,
    bankAccount: bank.ordinal,
    institution: bank.institution.name,
    bankCode: bank.institution.bankCode,
    number: bank.number,
    name: bank.name,
    type: bank.type,
    currency: bank.currency,
    customer: account.customer,
    login: bank.login,
    gone: account.gone,
    dataStatus: dataStatus(account),
    consentExpired: world.consentExpired(account),
    transactions: bank.ledger.view({ time: world.now(), revision: Infinity }).rows.length,
    cachedAsOf: account.statement?.time ?? null,
    jobs: account.jobs.length,
    lastJob: last === undefined ? null : { id: last.id, status: last.status },
  };
}
