import { randomFor, type Random, type Seed } from "../simulators/random.ts";
import type { Bank, Member, Providers, Wallet } from "./cast.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/**
 * How old a day may be and still change. With an overlap of four days, day D counts as complete from D + 4 on, so what
 * happens to it until the end of D + 3 must be seen.
 */
const OPEN_DAYS = 3;

/**
 * Life at the providers, drawn from a seed: rows come, come late, change, go and come back under another id; banks go
 * down, consents end and are renewed, tokens die, lists shift while they are read.
 */
export class Happenings {
  readonly #seed: Seed;
  readonly #providers: Providers;
  readonly #banks: Bank[];
  readonly #wallets: Wallet[];
  readonly #track: (wallet: Wallet, referenceId: string) => Promise<void>;
  /** What must be undone, and at which step. */
  #mending: { at: number; mend: () => void }[] = [];
  #steps = 0;
  #count = 0;

  constructor(
    { seed, providers }: { seed: Seed; providers: Providers },
    cast: readonly Member[],
    track: (wallet: Wallet, referenceId: string) => Promise<void>,
  ) {
    this.#seed = seed;
    this.#providers = providers;
    this.#banks = cast.filter((member) => member.platform === "mono");
    this.#wallets = cast.filter((member) => member.platform === "mtn_momo");
    this.#track = track;
  }

  /** How much happened so far. */
  get count(): number {
    return this.#count;
  }

  /** Lets a few things happen at this moment. */
  async step(): Promise<void> {
    this.#steps += 1;
    const random = randomFor(this.#seed, "happenings", this.#steps);
    this.#mend(this.#steps);
    const many = 1 + Math.floor((this.#banks.length + this.#wallets.length) / 12);
    for (let nth = 0; nth < many; nth += 1) {
      this.#count += 1;
      if (this.#wallets.length > 0 && random.chance(0.3)) await this.#atWallet(random);
      else if (this.#banks.length > 0) this.#atBank(random);
    }
  }

  /** Ends every outage, renews every consent: what is left is for Tidemark to mend. */
  settle(): void {
    this.#mend(Infinity);
    // One that struck after the last reading would be a difference that nobody could know of.
    this.#providers.mono.clearShifts();
    for (const { externalId } of this.#banks) {
      this.#providers.mono.setRealtime(externalId, { durationMs: 0, legacyEnqueued: false });
    }
  }

  #mend(step: number): void {
    for (const { mend } of this.#mending.filter(({ at }) => at <= step)) mend();
    this.#mending = this.#mending.filter(({ at }) => at > step);
  }

  #until(random: Random, mend: () => void): void {
    this.#mending.push({ at: this.#steps + random.int(1, 8), mend });
  }

  #atBank(random: Random): void {
    const { mono } = this.#providers;
    const { externalId: id } = random.pick(this.#banks);
    const now = this.#providers.momo.clock.now();
    const amount = BigInt(random.int(1, 5_000_000));
    const type = random.chance(0.5) ? "debit" : "credit";
    const open = mono.truth(id).transactions.filter((row) => isOpen(row.date, now, HOUR));
    const row = open.length === 0 ? null : random.pick(open);
    switch (random.int(0, 15)) {
      case 0:
      case 1:
        mono.addTransaction(id, { amount, type, narration: `TRF ${random.hex(4)}` });
        return;
      case 2:
        // Dated before today, shown from now on.
        mono.addTransaction(id, { amount, type, date: new Date(now - random.int(1, 40) * HOUR).toISOString() });
        return;
      case 3:
        // Dated now, shown later.
        mono.addTransaction(id, { amount, type, visibleAt: now + random.int(1, 40) * HOUR });
        return;
      case 4:
        // The same payment twice in one moment: two rows that differ in their ids only.
        mono.addTransaction(id, { amount, type, balance: null });
        mono.addTransaction(id, { amount, type, balance: null });
        return;
      case 5:
      case 6:
        if (row !== null) mono.changeTransaction(id, row.id, { amount, narration: `CORRECTED ${random.hex(4)}` });
        return;
      case 7:
      case 8:
        if (row !== null) mono.reissueTransaction(id, row.id);
        return;
      case 9:
        if (row !== null) mono.removeTransaction(id, row.id);
        return;
      case 10:
        mono.shift({
          account: id,
          afterPage: 1,
          change: random.pick(["insert", "remove"]),
          // It strikes the top of whatever list is read next, be it of an old window or after a quiet week.
          youngerThanMs: OPEN_DAYS * DAY,
          times: random.int(1, 3),
        });
        return;
      case 11:
        mono.setConsent(id, { expired: true });
        this.#until(random, () => mono.setConsent(id, { expired: false }));
        return;
      case 12: {
        const bankCode = random.pick(["058", "044", "057", "033"]);
        mono.setInstitution(bankCode, { down: true });
        this.#until(random, () => mono.setInstitution(bankCode, { down: false }));
        return;
      }
      case 13:
        mono.setRealtime(id, {
          durationMs: random.pick([0, 15_000, 60_000, 240_000, "never"]),
          legacyEnqueued: random.chance(0.3),
        });
        return;
      case 14:
        if (random.chance(0.15)) this.#loseKey(random);
        return;
      case 15:
        mono.setStatus(id, { dataStatus: random.pick(["PROCESSING", "PARTIAL", "FAILED"]) });
        this.#until(random, () => mono.setStatus(id, { dataStatus: null }));
    }
  }

  /** Somebody renewed our key at Mono and did not tell us. */
  #loseKey(random: Random): void {
    const { mono } = this.#providers;
    const secretKey = mono.secretKey;
    if (secretKey === LOST_KEY) return;
    mono.setKey({ secretKey: LOST_KEY, refusal: random.pick([401, 403]) });
    this.#until(random, () => mono.setKey({ secretKey }));
  }

  async #atWallet(random: Random): Promise<void> {
    const { momo } = this.#providers;
    const wallet = random.pick(this.#wallets);
    const apiUser = wallet.externalId;
    const now = momo.clock.now();
    const amount = `${random.int(1, 900)}.${random.int(10, 99)}`;
    const direction = random.chance(0.5) ? "credit" : "debit";
    switch (random.int(0, 7)) {
      case 0:
      case 1:
      case 2: {
        const payer = `467331234${random.pick(["99", "51", "54", "52", "63", "55", "53"])}`;
        const { referenceId } = momo.createPayment(apiUser, { amount, payer });
        await this.#track(wallet, referenceId);
        return;
      }
      case 3:
        if (wallet.statement) momo.postRow(apiUser, { direction, amount });
        return;
      case 4:
        if (wallet.statement) {
          momo.postRow(apiUser, { direction, amount, occurredAt: now - random.int(1, 40) * HOUR });
        }
        return;
      case 5: {
        const open = momo.truth(apiUser).statementRows.filter((row) => isOpen(row.occurredAt, now, 0));
        // A row that stands for a payment is the payment's.
        const own = open.filter((row) => !row.rowId.startsWith("payment"));
        if (!wallet.statement || own.length === 0) return;
        const { rowId } = random.pick(own);
        if (random.chance(0.5)) momo.changeRow(apiUser, rowId, { amount });
        else momo.removeRow(apiUser, rowId);
        return;
      }
      case 6:
        momo.endTokens(apiUser);
        return;
      case 7:
        momo.revoke(apiUser);
        this.#until(random, () => momo.revoke(apiUser, false));
    }
  }
}

const LOST_KEY = "test_sk_renewed_elsewhere";

/** Whether a row's day may still change, in a zone so much ahead of UTC. */
function isOpen(date: string, now: number, aheadMs: number): boolean {
  const day = (moment: number): number => Math.floor((moment + aheadMs) / DAY);
  return day(now) - day(Date.parse(date)) <= OPEN_DAYS;
}
