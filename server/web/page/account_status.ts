import type { AccountPartsFragment, SyncPhase } from "./graphql/operations.ts";
import type { Speech } from "./words/language.tsx";

export type Account = AccountPartsFragment;
export type SyncState = NonNullable<Account["syncState"]>;

/** Told by shape, word and colour at once, so that none of them is needed alone. */
export type Tone = "good" | "busy" | "wait" | "alert" | "quiet";
export type Status = { shape: SyncPhase; tone: Tone; word: string; detail: string };

const TONES: Record<SyncPhase, Tone> = {
  never_synced: "quiet",
  up_to_date: "good",
  queued: "busy",
  running: "busy",
  waiting: "wait",
  retrying: "wait",
  needs_you: "alert",
  provider_down: "wait",
  paused: "quiet",
  unlinked: "quiet",
};

/** Where an account stands, from the server's fields and nothing else. */
export function statusOf(account: Account, state: SyncState, { words, formats }: Speech, now: Date): Status {
  const { phase } = state;
  const isWallet = account.accountType === "mobile_money";
  const { status, detail, failure } = words;
  const ahead = (instant: string | null): string | null =>
    instant !== null && Date.parse(instant) > now.getTime() ? formats.moment(instant, now) : null;
  const say = (word: string, text: string): Status => ({ shape: phase, tone: TONES[phase], word, detail: text });

  switch (phase) {
    case "never_synced": {
      const first = ahead(state.nextSyncAt);
      return say(status.never_synced, first === null ? detail.firstSoon : detail.firstAt(first));
    }
    case "up_to_date": {
      const next = ahead(state.nextSyncAt);
      return say(status.up_to_date, next === null ? "" : detail.next(next));
    }
    case "queued":
      return say(status.queued, account.lastSyncedAt === null ? detail.firstSoon : detail.queued);
    case "running":
      return say(status.running, progressOf(state, words, formats));
    case "waiting": {
      const again = ahead(state.waitingUntil);
      return say(
        isWallet ? status.waitingWallet : status.waiting,
        again === null ? detail.waitingSoon : detail.waiting(again),
      );
    }
    case "retrying": {
      if (state.lastFailureKind === "account_gone") {
        return { shape: "needs_you", tone: "alert", word: status.gone, detail: detail.gone };
      }
      const again = ahead(state.retryingAt);
      const why = state.lastFailureKind === null ? "" : failure[state.lastFailureKind];
      return say(status.retrying, [why, again === null ? "" : detail.retrying(again)].filter(Boolean).join(" "));
    }
    case "needs_you":
      return say(status.needs_you, isWallet ? detail.needsYouWallet : detail.needsYouBank);
    case "provider_down": {
      const again = ahead(state.providerDownUntil);
      return say(
        isWallet ? status.provider_downWallet : status.provider_down,
        again === null ? detail.providerDownSoon : detail.providerDown(again),
      );
    }
    case "paused": {
      const until = ahead(state.pausedUntil);
      return say(status.paused, until === null ? detail.paused : detail.pausedUntil(until));
    }
    case "unlinked":
      return say(status.unlinked, "");
  }
}

/** What the open sync has done, and what is left: no share of a whole that nobody knows. */
function progressOf(state: SyncState, { detail }: Speech["words"], formats: Speech["formats"]): string {
  const done = [
    ...((state.runPages ?? 0) > 0 ? [detail.runningPages(state.runPages ?? 0)] : []),
    ...((state.runTransactions ?? 0) > 0 ? [detail.runningFound(state.runTransactions ?? 0)] : []),
    ...((state.windowsLeft ?? 0) > 1 ? [detail.runningWindows(state.windowsLeft ?? 0)] : []),
  ];
  if (done.length === 0) return detail.runningStart;
  const text = formats.list(done);
  return `${text.charAt(0).toLocaleUpperCase(formats.locale)}${text.slice(1)}.`;
}

/** As many gaps as are named; the strip shows them all. */
const NAMED_GAPS = 2;

/** "Updated 5 min ago, complete through 12 Mar; 3–5 Mar missing, being fetched". Empty for an account never synced. */
export function freshnessOf(account: Account, state: SyncState, { words, formats }: Speech, now: Date): string {
  const { detail } = words;
  if (account.lastSyncedAt === null) return "";
  const lastSettled = state.settled.at(-1)?.toDay;
  const parts = [detail.updated(formats.ago(account.lastSyncedAt, now))];
  if (lastSettled !== undefined) parts.push(detail.complete(formats.day(lastSettled, now)));
  const fresh = parts.join(", ");
  if (state.historyStart === null) {
    const open = state.openReferences > 0 ? `${detail.openReferences(state.openReferences)}.` : "";
    return [formats.sentence(fresh), open].filter(Boolean).join(" ");
  }
  if (state.gaps.length === 0) return formats.sentence(fresh);
  const named = state.gaps.slice(0, NAMED_GAPS).map(({ fromDay, toDay }) => formats.days(fromDay, toDay, now));
  const others = state.gaps.length - named.length;
  const missing = formats.list(others > 0 ? [...named, detail.more(others)] : named);
  return formats.sentence(`${fresh}; ${isFetching(state) ? detail.missingFetching(missing) : detail.missing(missing)}`);
}

export const isFetching = ({ phase }: SyncState): boolean => phase === "running" || phase === "waiting";

/** When the server's answer will be another one though nothing has happened, for the page to ask again then. */
export function nextTurn({ syncState: state }: Account, now: Date): number | null {
  if (state === null) return null;
  const moments = [
    state.nextSyncAt,
    state.waitingUntil,
    state.coolingDownUntil,
    state.retryingAt,
    state.providerDownUntil,
    state.pausedUntil,
  ].flatMap((instant) => (instant === null ? [] : [Date.parse(instant)]));
  const ahead = moments.filter((moment) => moment > now.getTime());
  return ahead.length === 0 ? null : Math.min(...ahead);
}
