/**
 * Webhook bodies (Mono docs, webhooks): other spellings than the API's (`_id`, `accountNumber`, `authMethod`), and an
 * `event_id` on some events only.
 */
import { exactJson } from "../http.ts";
import { randomFor, type Seed } from "../random.ts";
import { cachedBalance, dataStatus, retrievedData, type LinkedAccount } from "./accounts.ts";
import type { Job, SyncStatus } from "./realtime.ts";

export type MonoEvent = {
  name: string;
  /** Present since January 2026 on connected, updated and reauthorized; never on jobs.update. */
  eventId: string | null;
  account: string;
  at: number;
  data: Record<string, unknown>;
};

/** What is the same in every event of one world. */
export type EventFrame = { seed: Seed; app: string; business: string };

export function eventFrame(seed: Seed): EventFrame {
  return { seed, app: randomFor(seed, "app").hex(24), business: randomFor(seed, "business").hex(24) };
}

/** The body as posted. */
export function eventBody(event: MonoEvent, frame: EventFrame): string {
  const identity =
    event.eventId === null
      ? {}
      : { event_id: event.eventId, timestamp: iso(event.at), app: frame.app, business: frame.business };
  const body = { event: event.name, ...identity, data: event.data };
  return exactJson(body);
}

export function connected(account: LinkedAccount, frame: EventFrame, ordinal: number, at: number): MonoEvent {
  return {
    name: "mono.events.account_connected",
    eventId: eventId(frame.seed, ordinal),
    account: account.id,
    at,
    data: {
      id: account.id,
      customer: account.customer,
      meta: { data_status: "PROCESSING", auth_method: account.authMethod, ref: account.ref },
      app: frame.app,
      business: frame.business,
    },
  };
}

export function reauthorized(account: LinkedAccount, frame: EventFrame, ordinal: number, at: number): MonoEvent {
  return {
    name: "mono.events.account_reauthorized",
    eventId: eventId(frame.seed, ordinal),
    account: account.id,
    at,
    data: { account: { _id: account.id }, app: frame.app, business: frame.business },
  };
}

/** From the days of Data Sync; still to be handled if seen. */
export function reauthorisationRequired(account: LinkedAccount, at: number): MonoEvent {
  return {
    name: "mono.events.reauthorisation_required",
    eventId: null,
    account: account.id,
    at,
    data: { account: { _id: account.id } },
  };
}

export function unlinked(account: LinkedAccount, at: number): MonoEvent {
  return {
    name: "mono.events.account_unlinked",
    eventId: null,
    account: account.id,
    at,
    data: { account: { _id: account.id } },
  };
}

export function jobUpdate(job: Job, frame: EventFrame, at: number): MonoEvent {
  const { id, name, status, account } = job;
  return {
    name: "mono.accounts.jobs.update",
    eventId: null,
    account: account.id,
    at,
    data: { account: account.id, business: frame.business, app: frame.app, id, name, status },
  };
}

export function updated(
  account: LinkedAccount,
  job: Job | null,
  frame: EventFrame,
  ordinal: number,
  at: number,
): MonoEvent {
  const { bank } = account;
  const syncStatus: SyncStatus | null = job === null || job.origin === "connect" ? null : job.fate;
  const random = randomFor(frame.seed, "event meta", ordinal);
  return {
    name: "mono.events.account_updated",
    eventId: eventId(frame.seed, ordinal),
    account: account.id,
    at,
    data: {
      account: {
        _id: account.id,
        name: bank.name,
        accountNumber: bank.number,
        currency: bank.currency,
        balance: cachedBalance(account),
        type: bank.type,
        bvn: bank.bvn,
        authMethod: account.authMethod,
        institution: { name: bank.institution.name, bankCode: bank.institution.bankCode, type: bank.institution.type },
        created_at: iso(account.createdAt),
        updated_at: iso(account.updatedAt),
      },
      meta: {
        data_status: dataStatus(account),
        auth_method: account.authMethod,
        ref: account.ref,
        retrieved_data: retrievedData(account),
        ...(syncStatus === null ? {} : { sync_status: syncStatus }),
        ...(job === null || job.origin !== "realtime" ? {} : { job_id: job.id }),
        ...(job?.hasNewData === true ? { has_new_data: true } : {}),
        // Often left out; the account endpoint always has it.
        ...(random.chance(0.3) ? { data_request_id: account.dataRequestId } : {}),
      },
    },
  };
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".split("");

function eventId(seed: Seed, ordinal: number): string {
  const random = randomFor(seed, "event", ordinal);
  return Array.from({ length: 42 }, () => random.pick(ALPHABET)).join("");
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
