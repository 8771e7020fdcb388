/**
 * The simulated world: banks, links, jobs and consents, changed only by actions. An action's effect depends on the
 * world and its moment alone, so a seed and a journal of actions rebuild the same world.
 */
import { randomFor, type Seed } from "../random.ts";
import { openBankAccount, transactionId, type BankAccount, type LinkedAccount } from "./accounts.ts";
import { action as actionSchema, newAccount, type Action, type ActionInput, type JobName } from "./actions.ts";
import { Connections, type Connection } from "./connect.ts";
import { BadRequest, UnknownThing } from "./errors.ts";
import * as events from "./events.ts";
import type { Journal, JournalEntry } from "./journal.ts";
import { findInstitution } from "./institutions.ts";
import type { LedgerRow, Point } from "./ledger.ts";
import { currentSession, finish, REAUTH_PRICE, REFRESH_PRICE, type Job } from "./realtime.ts";

export type Customer = { id: string; name: string; email: string; createdAt: number };

type FoundRow = { account: LinkedAccount; key: string; row: LedgerRow };

export type WorldOptions = {
  seed: Seed;
  now: () => number;
  /** Told of each event as it happens; not while a journal is replayed. */
  onEvent: (event: events.MonoEvent) => void;
  /** Told after each action. */
  onAction: () => void;
};

export class World {
  readonly seed: Seed;
  readonly frame: events.EventFrame;
  readonly #now: () => number;
  readonly #onEvent: (event: events.MonoEvent) => void;
  readonly #onAction: () => void;
  #journal: Journal | null = null;
  #replaying = false;

  #accounts = new Map<string, LinkedAccount>();
  #banks: BankAccount[] = [];
  #customers = new Map<string, Customer>();
  #connections: Connections;
  /** When each login's consent ends; a login that is not here has no end. */
  #consentEnds = new Map<string, number>();
  #downInstitutions = new Set<string>();
  #running = new Set<Job>();
  #revision = 0;
  #eventOrdinal = 0;
  #sessions = 0;
  #paidRefreshes = 0;
  #charges = 0n;

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.frame = events.eventFrame(options.seed);
    this.#now = options.now;
    this.#onEvent = options.onEvent;
    this.#onAction = options.onAction;
    this.#connections = new Connections(options.seed);
  }

  /** Does what the journal says was done, each thing at its moment, and writes what follows to it. */
  resume(journal: Journal, entries: JournalEntry[]): void {
    this.#replaying = true;
    for (const { at, action } of entries) {
      this.settle(at);
      this.#apply(action, at);
    }
    this.#replaying = false;
    this.#journal = journal;
  }

  /**
   * The only way to change the world.
   *
   * @returns the id of what was made or changed.
   * @throws ZodError, BadRequest or UnknownThing; then nothing has changed.
   */
  perform(input: ActionInput): string {
    const action = actionSchema.parse(input);
    const at = this.#now();
    this.settle(at);
    const made = this.#apply(action, at);
    this.#journal?.append(at, action);
    this.#onAction();
    return made;
  }

  /** Ends the jobs whose time has come, in their order. */
  settle(now = this.#now()): void {
    const ended = [...this.#running].filter(({ endsAt }) => endsAt <= now).toSorted((a, b) => a.endsAt - b.endsAt);
    for (const job of ended) {
      this.#running.delete(job);
      this.#end(job);
    }
  }

  /** When the next running job ends; null when none will. */
  nextEnd(): number | null {
    const ends = [...this.#running].map(({ endsAt }) => endsAt).filter((at) => at !== Infinity);
    return ends.length === 0 ? null : Math.min(...ends);
  }

  now(): number {
    return this.#now();
  }

  /** @throws UnknownThing also for an account that was unlinked or re-linked under another id. */
  account(id: string): LinkedAccount {
    const account = this.#accounts.get(id);
    if (account === undefined || account.gone) throw new UnknownThing("Account not found");
    return account;
  }

  /** Every account that ever was, in the order of linking. */
  accounts(): LinkedAccount[] {
    return [...this.#accounts.values()];
  }

  job(account: LinkedAccount, id: string): Job {
    const job = account.jobs.find((each) => each.id === id);
    if (job === undefined) throw new UnknownThing("Job not found");
    return job;
  }

  customers(): Customer[] {
    return [...this.#customers.values()];
  }

  connection(token: string): Connection {
    return this.#connections.find(token);
  }

  customer(id: string): Customer {
    const customer = this.#customers.get(id);
    if (customer === undefined) throw new UnknownThing("Customer not found");
    return customer;
  }

  consentExpired(account: LinkedAccount, at = this.#now()): boolean {
    return at >= (this.#consentEnds.get(account.bank.login) ?? Infinity);
  }

  /** This session's job, started now or less than five minutes ago. */
  realtime(account: LinkedAccount, name: JobName): Job {
    const now = this.#now();
    this.settle(now);
    const session = currentSession(account, now);
    if (session !== undefined) return session;
    const id = this.perform({ kind: "start_job", account: account.id, name });
    // Not as of `now`: a millisecond later, a job that takes no time would seem to be running still.
    this.settle();
    return this.job(account, id);
  }

  /** The bank's ledger at a moment, with the ids this link gives its rows. */
  truth(account: LinkedAccount, asOf: number): { rows: (LedgerRow & { id: string })[]; balance: bigint } {
    // Beyond now nothing is decided yet: rows are posted as time passes, after whatever is done until then.
    const time = Math.min(asOf, this.#now());
    const view = account.bank.ledger.view({ time, revision: Infinity });
    return {
      rows: view.rows.map((row) => ({ ...row, id: transactionId(this.seed, account, row) })),
      balance: view.balance,
    };
  }

  costs(): { realtimeSessions: number; paidRefreshes: number; chargesKobo: bigint } {
    return { realtimeSessions: this.#sessions, paidRefreshes: this.#paidRefreshes, chargesKobo: this.#charges };
  }

  revision(): number {
    return this.#revision;
  }

  #apply(action: Action, at: number): string {
    switch (action.kind) {
      case "create_account":
        return this.#createAccount(action.settings, at).id;
      case "add_transaction": {
        const account = this.account(action.account);
        const { id = null, visibleAt = at, date = new Date(at).toISOString(), ...fields } = action.transaction;
        const added = { at, revision: this.#revise(), visibleAt, id };
        const key = account.bank.ledger.add({ ...fields, date }, added);
        return transactionId(this.seed, account, { key, reissued: 0, chosenId: id });
      }
      case "change_transaction": {
        const { account, key } = this.#findVisible(action.account, action.transaction, at);
        account.bank.ledger.change(key, action.change, at, this.#revise());
        return action.transaction;
      }
      case "remove_transaction": {
        const { account, key } = this.#findVisible(action.account, action.transaction, at);
        account.bank.ledger.remove(key, at, this.#revise());
        return action.transaction;
      }
      case "restore_transaction": {
        const { account, key } = this.#findRow(action.account, action.transaction, at);
        account.bank.ledger.restore(key, at, this.#revise());
        return action.transaction;
      }
      case "reissue_transaction": {
        const { account, key, row } = this.#findVisible(action.account, action.transaction, at);
        account.bank.ledger.reissue(key, at, this.#revise());
        return transactionId(this.seed, account, { key, reissued: row.reissued + 1, chosenId: null });
      }
      case "set_consent":
        return this.#setConsent(action, at);
      case "relink": {
        const old = this.account(action.account);
        old.gone = true;
        const account = this.#link(old.bank, old.customer, old.ref, old.authMethod, at);
        account.realtime = old.realtime;
        this.#consentEnds.delete(old.bank.login);
        this.#connect(account, 0, action.announce, at);
        return account.id;
      }
      case "unlink": {
        const account = this.account(action.account);
        account.gone = true;
        this.#emit(events.unlinked(account, at));
        return account.id;
      }
      case "set_realtime": {
        const account = this.account(action.account);
        account.realtime = { ...account.realtime, ...action.settings };
        return account.id;
      }
      case "set_status": {
        const account = this.account(action.account);
        const { dataStatus, retrievedData } = action.change;
        const retrieved = retrievedData ?? [...account.retrieved];
        account.pinned = dataStatus === null ? null : { dataStatus, retrieved };
        return account.id;
      }
      case "set_institution": {
        const bank = findInstitution(action.bankCode);
        if (bank === undefined) throw new BadRequest(`no institution ${action.bankCode}`);
        if (action.down) this.#downInstitutions.add(bank.bankCode);
        else this.#downInstitutions.delete(bank.bankCode);
        return bank.bankCode;
      }
      case "start_job":
        this.#sessions += 1;
        return this.#startJob(this.account(action.account), action.name, "realtime", at).id;
      case "refresh_cache": {
        const account = this.account(action.account);
        account.statement = this.#point(at);
        account.balance = account.statement;
        return account.id;
      }
      case "create_customer":
        return this.#createCustomer(action.name, action.email, at).id;
      case "initiate":
        return this.#initiate(action, at);
      case "complete_connect":
        return this.#completeConnect(action.token, action.settings, at);
      case "exchange_code":
        return this.#connections.exchange(action.code, at);
      case "move_clock":
        break;
    }
    // The clock itself is the simulator's; the journal only remembers where it stood.
    return String(action.offsetMs);
  }

  #createAccount(settings: unknown, at: number): LinkedAccount {
    const parsed = newAccount.parse(settings);
    const ordinal = this.#banks.length;
    const bank = openBankAccount(this.seed, ordinal, parsed, at);
    if (parsed.customer !== undefined && !this.#customers.has(parsed.customer)) {
      throw new BadRequest(`no customer ${parsed.customer}`);
    }
    this.#banks.push(bank);
    const customer = parsed.customer ?? this.#createCustomer(bank.name, `customer${ordinal}@example.com`, at).id;
    const account = this.#link(bank, customer, parsed.ref ?? `${ordinal}-T`, parsed.authMethod, at);
    account.realtime = { ...account.realtime, ...parsed.realtime };
    this.#connect(account, parsed.connectMs, parsed.announce, at);
    return account;
  }

  #link(bank: BankAccount, customer: string, ref: string, authMethod: string, at: number): LinkedAccount {
    const random = randomFor(this.seed, "link", bank.ordinal, bank.links);
    const account: LinkedAccount = {
      id: random.hex(24),
      bank,
      generation: bank.links,
      customer,
      ref,
      authMethod,
      dataRequestId: random.hex(12).toUpperCase(),
      sessionId: random.hex(20),
      createdAt: at,
      updatedAt: at,
      gone: false,
      realtime: { durationMs: 0, outcome: "auto", legacyEnqueued: false },
      retrieved: new Set(),
      statement: null,
      balance: null,
      pinned: null,
      jobs: [],
      ids: new Map(),
    };
    bank.links += 1;
    this.#accounts.set(account.id, account);
    return account;
  }

  /** The first fetch after linking. Without announcement it sends nothing, also at its end. */
  #connect(account: LinkedAccount, durationMs: number, announce: boolean, at: number): void {
    if (announce) this.#emit(events.connected(account, this.frame, this.#nextEvent(), at));
    const job = this.#startJob(account, "jobs.accounts.sync_statement", "connect", at);
    job.endsAt = at + durationMs;
    job.fate = "SUCCESSFUL";
    job.announce = announce;
    this.settle(at);
  }

  #startJob(account: LinkedAccount, name: JobName, origin: Job["origin"], at: number): Job {
    const { durationMs, outcome } = account.realtime;
    const job: Job = {
      id: randomFor(this.seed, "job", account.id, account.jobs.length).hex(24),
      account,
      name,
      origin,
      announce: true,
      startedAt: at,
      endsAt: durationMs === "never" ? Infinity : at + durationMs,
      point: this.#point(at),
      fate: this.#fate(account, outcome, at),
      says: outcome === "new" || outcome === "none" ? outcome : "auto",
      status: "processing",
      hasNewData: false,
    };
    account.jobs.push(job);
    this.#running.add(job);
    return job;
  }

  #fate(account: LinkedAccount, outcome: LinkedAccount["realtime"]["outcome"], at: number): Job["fate"] {
    if (outcome === "reauth" || this.consentExpired(account, at)) return "REAUTHORISATION_REQUIRED";
    if (outcome === "failed" || this.#downInstitutions.has(account.bank.institution.bankCode)) return "FAILED";
    return "SUCCESSFUL";
  }

  #end(job: Job): void {
    finish(job);
    const { account } = job;
    const at = job.endsAt;
    if (job.origin === "realtime" && job.hasNewData) {
      this.#paidRefreshes += 1;
      this.#charges += REFRESH_PRICE;
    }
    if (account.gone || !job.announce) return;
    const ordinal = this.#nextEvent();
    const tells = [events.updated(account, job, this.frame, ordinal, at)];
    if (job.origin === "realtime") tells.push(events.jobUpdate(job, this.frame, at));
    // Mono promises no order between the two.
    for (const event of randomFor(this.seed, "order of events", ordinal).shuffle(tells)) this.#emit(event);
  }

  #setConsent(action: Extract<Action, { kind: "set_consent" }>, at: number): string {
    const account = this.account(action.account);
    const { expired, expiresAt, announce } = action.change;
    if (expired === undefined && expiresAt === undefined) throw new BadRequest("expired or expiresAt");
    if (expired === false) {
      this.#consentEnds.delete(account.bank.login);
      if (announce !== false) this.#reauthorize(account, at);
      return account.id;
    }
    this.#consentEnds.set(account.bank.login, expired === true ? at : (expiresAt ?? at));
    if (announce === true) this.#emit(events.reauthorisationRequired(account, at));
    return account.id;
  }

  /** The first event says that the user came back, the second, at the job's end, whether the data is usable. */
  #reauthorize(account: LinkedAccount, at: number): void {
    this.#charges += REAUTH_PRICE;
    this.#emit(events.reauthorized(account, this.frame, this.#nextEvent(), at));
    this.#startJob(account, "jobs.accounts.sync_statement", "reauth", at);
    this.settle(at);
  }

  #createCustomer(name: string, email: string, at: number): Customer {
    const customer = { id: randomFor(this.seed, "customer", this.#customers.size).hex(24), name, email, createdAt: at };
    this.#customers.set(customer.id, customer);
    return customer;
  }

  #initiate(action: Extract<Action, { kind: "initiate" }>, at: number): string {
    if (action.account !== null) this.account(action.account);
    if (action.customer !== null) this.customer(action.customer);
    const { scope, account, customer, redirectUrl, ref, institution } = action;
    return this.#connections.initiate({ scope, account, customer, redirectUrl, ref, institution, createdAt: at });
  }

  /** @returns a code for a link, the account's id for a re-auth. */
  #completeConnect(token: string, settings: Record<string, unknown>, at: number): string {
    const connection = this.#connections.open(token, at);
    if (connection.scope === "reauth") {
      const account = this.account(connection.account ?? "");
      this.#connections.use(connection);
      this.#consentEnds.delete(account.bank.login);
      this.#reauthorize(account, at);
      return account.id;
    }
    const account = this.#createAccount(
      {
        ...(connection.customer === null ? {} : { customer: connection.customer }),
        ...(connection.ref === null ? {} : { ref: connection.ref }),
        ...(connection.institution === null ? {} : { institution: connection.institution }),
        announce: true,
        ...settings,
      },
      at,
    );
    this.#connections.use(connection);
    return this.#connections.issueCode(account.id, at);
  }

  /** Whether the bank has this transaction, whatever the cache still shows. */
  shows(account: string, transaction: string): boolean {
    return !this.#findRow(account, transaction, this.now()).removed;
  }

  /** Also a removed row, by the id it had. */
  #findRow(accountId: string, transaction: string, at: number): FoundRow & { removed: boolean } {
    const account = this.account(accountId);
    for (const { key, row, last } of account.bank.ledger.posted(at)) {
      if (transactionId(this.seed, account, last) === transaction)
        return { account, key, row: last, removed: row === null };
    }
    throw new UnknownThing("Transaction not found");
  }

  #findVisible(accountId: string, transaction: string, at: number): FoundRow {
    const { removed, ...found } = this.#findRow(accountId, transaction, at);
    if (removed) throw new UnknownThing("Transaction was removed");
    return found;
  }

  #point(at: number): Point {
    return { time: at, revision: this.#revision };
  }

  #revise(): number {
    this.#revision += 1;
    return this.#revision;
  }

  #nextEvent(): number {
    this.#eventOrdinal += 1;
    return this.#eventOrdinal;
  }

  #emit(event: events.MonoEvent): void {
    if (!this.#replaying) this.#onEvent(event);
  }
}
