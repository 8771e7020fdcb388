/** A linked account as Mono sees it, the bank account behind it, and what can be read of it. */
import { randomFor, type Seed } from "../random.ts";
import type { AccountSettings, DataStatus, RealtimeSettings, Retrievable } from "./actions.ts";
import { BadRequest } from "./errors.ts";
import { findInstitution, type Institution } from "./institutions.ts";
import { dayNumber } from "./lagos.ts";
import { BankLedger, type LedgerRow, type LedgerView, type Point } from "./ledger.ts";
import type { Job } from "./realtime.ts";

/** The bank's side. Survives a re-link. */
export type BankAccount = {
  ordinal: number;
  institution: Institution;
  number: string;
  name: string;
  type: string;
  currency: string;
  bvn: string | null;
  login: string;
  gives: readonly Retrievable[];
  ledger: BankLedger;
  /** How often it was linked: each time, every transaction id is another. */
  links: number;
};

/** Mono's side: what an account id stands for. */
export type LinkedAccount = {
  id: string;
  bank: BankAccount;
  generation: number;
  customer: string;
  ref: string;
  authMethod: string;
  dataRequestId: string;
  sessionId: string;
  createdAt: number;
  updatedAt: number;
  gone: boolean;
  realtime: RealtimeSettings;
  /** What jobs brought so far, and up to which state of the bank's ledger. */
  retrieved: Set<Retrievable>;
  statement: Point | null;
  balance: Point | null;
  /** Set by hand, whatever jobs bring. */
  pinned: { dataStatus: DataStatus; retrieved: readonly Retrievable[] } | null;
  /** Oldest first. */
  jobs: Job[];
  /** Transaction ids already worked out: drawing one costs more than serving it. */
  ids: Map<string, string>;
};

export function openBankAccount(seed: Seed, ordinal: number, settings: AccountSettings, now: number): BankAccount {
  const institution = findInstitution(settings.institution);
  if (institution === undefined) throw new BadRequest(`no institution ${settings.institution}`);
  const random = randomFor(seed, "bank account", ordinal);
  const drawn = {
    number: `0${random.int(100_000_000, 999_999_999)}`,
    name: `${random.pick(["SAMUEL", "ADA", "HALIMA", "KUNLE", "IFEOMA"])} ${random.pick(["OLAMIDE", "OBI", "SANI", "ETIM"])}`,
    bvn: random.chance(0.2) ? null : String(random.int(1_000, 9_999)),
  };
  return {
    ordinal,
    institution,
    number: settings.number ?? drawn.number,
    name: settings.name ?? drawn.name,
    type: settings.type,
    currency: settings.currency,
    bvn: drawn.bvn,
    login: settings.login ?? `login of account ${ordinal}`,
    gives: settings.gives,
    links: 0,
    ledger: new BankLedger({
      seed,
      account: ordinal,
      fromDay: dayNumber(now) - settings.historyDays,
      perWeek: settings.perWeek,
      lateShare: settings.lateShare,
      dateStyle: settings.dateStyle,
    }),
  };
}

export function dataStatus(account: LinkedAccount): DataStatus {
  if (account.pinned !== null) return account.pinned.dataStatus;
  const has = ["balance", "transactions"].filter((what) => [...account.retrieved].some((got) => got === what)).length;
  if (has === 2) return "AVAILABLE";
  if (has === 1) return "PARTIAL";
  return account.retrieved.has("identity") ? "UNAVAILABLE" : "PROCESSING";
}

export function retrievedData(account: LinkedAccount): Retrievable[] {
  const retrieved = account.pinned?.retrieved ?? [...account.retrieved];
  return (["identity", "balance", "transactions"] as const).filter((what) => retrieved.includes(what));
}

/** Before AVAILABLE or PARTIAL, data endpoints answer 200 with an empty payload (Mono docs, integration guide). */
function readable(account: LinkedAccount, what: "balance" | "transactions"): boolean {
  const status = dataStatus(account);
  return (status === "AVAILABLE" || status === "PARTIAL") && retrievedData(account).includes(what);
}

/** What the transactions endpoint may serve: the cache, not the bank. Null: nothing. */
export function cachedStatement(account: LinkedAccount): LedgerView | null {
  if (account.statement === null || !readable(account, "transactions")) return null;
  return account.bank.ledger.view(account.statement);
}

/** Kobo as cached; null: nothing. */
export function cachedBalance(account: LinkedAccount): bigint | null {
  if (account.balance === null || !readable(account, "balance")) return null;
  return account.bank.ledger.view(account.balance).balance;
}

/**
 * A row's id under this link. The first row of each day has the same id in every account of the world: Mono scopes ids to
 * the account, and nothing may rely on more.
 */
export function transactionId(
  seed: Seed,
  account: LinkedAccount,
  row: Pick<LedgerRow, "key" | "reissued" | "chosenId">,
): string {
  if (row.chosenId !== null && account.generation === 0) return row.chosenId;
  const name = `${row.key} ${row.reissued}`;
  const known = account.ids.get(name);
  if (known !== undefined) return known;
  const scope = /^\d+:0$/.test(row.key) ? "every account" : `account ${account.bank.ordinal}`;
  const id = randomFor(seed, "transaction", scope, account.generation, row.key, row.reissued).hex(24);
  account.ids.set(name, id);
  return id;
}
