/** What the simulator knows, as the fold of its events. Nothing else changes it. */
import { parseAmount, type Micros } from "./amount.ts";
import type { RowChange, RowFields, SimulatorEvent } from "./events.ts";
import type { Step } from "./scenario.ts";
import { type CallbackPlan, defaultSettings, type Settings, withPatch } from "./settings.ts";

export type Wallet = {
  apiUser: string;
  /** The keys that a token may be had with: one, or several where an old key lives on. */
  apiKeys: string[];
  keysMade: number;
  /** Tokens of an earlier generation are refused. */
  tokenGeneration: number;
  subscriptionKeys: string[];
  environment: string;
  currency: string;
  callbackHost: string | null;
  platforms: string[];
  revoked: boolean;
  createdAt: number;
  openingBalance: Micros;
  msisdn: string;
  holderName: string;
  history: { from: string; rowsPerDay: number } | null;
  payments: Payment[];
  postedRows: PostedRow[];
  /** Changes of statement rows in the order in which they were made. */
  corrections: Correction[];
};

export type Payment = {
  apiUser: string;
  platform: string;
  reference: string;
  operation: "requesttopay" | "requesttowithdraw";
  amount: Micros;
  currency: string;
  externalId: string;
  payerType: string;
  payerId: string;
  payerMessage: string | null;
  payeeNote: string | null;
  createdAt: number;
  steps: Step[];
  callbackUrl: string | null;
  callbacks: CallbackPlan;
  callbacksAttempted: number;
};

export type PostedRow = { rowId: string; occurredAt: number; postedAt: number; fields: RowFields };

/** `fields` null: the row was removed. */
export type Correction = { rowId: string; at: number; fields: RowChange | null };

export type State = {
  wallets: Map<string, Wallet>;
  /** By `platform reference`. */
  payments: Map<string, Payment>;
  settings: Settings;
  secretsRotated: number;
  clockOffsetMs: number;
};

export function emptyState(): State {
  return {
    wallets: new Map(),
    payments: new Map(),
    settings: defaultSettings,
    secretsRotated: 0,
    clockOffsetMs: 0,
  };
}

export const paymentKey = (platform: string, reference: string): string => `${platform} ${reference}`;

/** @throws RangeError for an amount that its event should never have held. */
export function exactly(text: string): Micros {
  const value = parseAmount(text);
  if (value === null) throw new RangeError(`not an amount: ${text}`);
  return value;
}

/** @throws UnknownThing when the event speaks of something that no earlier event made. */
export function applyEvent(state: State, event: SimulatorEvent): void {
  switch (event.kind) {
    case "wallet_created": {
      const { kind: _kind, at, balance, ...given } = event;
      state.wallets.set(event.apiUser, {
        ...given,
        apiKeys: [],
        keysMade: 0,
        tokenGeneration: 0,
        revoked: false,
        createdAt: at,
        openingBalance: exactly(balance),
        payments: [],
        postedRows: [],
        corrections: [],
      });
      return;
    }
    case "key_made": {
      const wallet = walletOf(state, event.apiUser);
      wallet.apiKeys = event.replaces ? [event.apiKey] : [...wallet.apiKeys, event.apiKey];
      wallet.keysMade += 1;
      return;
    }
    case "tokens_ended":
      walletOf(state, event.apiUser).tokenGeneration += 1;
      return;
    case "wallet_revoked":
      walletOf(state, event.apiUser).revoked = event.revoked;
      return;
    case "wallet_opened_on":
      walletOf(state, event.apiUser).platforms = event.platforms;
      return;
    case "payment_created": {
      const { kind: _kind, at, amount, ...given } = event;
      const payment = { ...given, amount: exactly(amount), createdAt: at, callbacksAttempted: 0 };
      state.payments.set(paymentKey(event.platform, event.reference), payment);
      walletOf(state, event.apiUser).payments.push(payment);
      return;
    }
    case "payment_changed": {
      const payment = paymentOf(state, event.platform, event.reference);
      payment.steps = event.steps;
      payment.callbacks = event.callbacks;
      return;
    }
    case "callback_attempted":
      paymentOf(state, event.platform, event.reference).callbacksAttempted += 1;
      return;
    case "row_posted": {
      const { rowId, occurredAt, postedAt, fields } = event;
      walletOf(state, event.apiUser).postedRows.push({ rowId, occurredAt, postedAt, fields });
      return;
    }
    case "row_changed":
      walletOf(state, event.apiUser).corrections.push({ rowId: event.rowId, at: event.at, fields: event.fields });
      return;
    case "row_removed":
      walletOf(state, event.apiUser).corrections.push({ rowId: event.rowId, at: event.at, fields: null });
      return;
    case "secret_rotated":
      state.secretsRotated += 1;
      return;
    case "settings_changed":
      state.settings = withPatch(state.settings, event.settings);
      return;
    case "clock_moved":
      state.clockOffsetMs = event.offsetMs;
      return;
  }
}

/** A wallet, payment, row or platform was named that does not exist. */
export class UnknownThing extends Error {
  override readonly name = "UnknownThing";
}

/** The control action contradicts what already happened. */
export class NotPossible extends Error {
  override readonly name = "NotPossible";
}

export function walletOf(state: State, apiUser: string): Wallet {
  const wallet = state.wallets.get(apiUser);
  if (wallet === undefined) throw new UnknownThing(`no wallet ${apiUser}`);
  return wallet;
}

export function paymentOf(state: State, platform: string, reference: string): Payment {
  const payment = state.payments.get(paymentKey(platform, reference));
  if (payment === undefined) throw new UnknownThing(`no payment ${reference} on ${platform}`);
  return payment;
}
