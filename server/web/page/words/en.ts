import type { FailureKind, SyncRequestOutcome, SyncTrigger } from "../graphql/operations.ts";
import { plural } from "./plural.ts";

const count = plural("en");

/**
 * Everything that the page says, in English. Moments, days and amounts come in already written in the reader's own way.
 * `fr.ts` has the same type, so that a sentence which one of them lacks is a type error.
 */
export const en = {
  title: "Linked accounts",
  languageName: "English",
  language: "Language",
  justNow: "just now",

  signIn: {
    title: "How up to date are your accounts?",
    about:
      "Tidemark keeps bank accounts and mobile-money wallets up to date in the background, and says honestly how far it got.",
    demo: "This is a demo on simulated banks. Be one of these two people; neither sees the other's accounts.",
    continueAs: (name: string) => `Continue as ${name}`,
    elsewhere: "You come here from the app that you linked your accounts in. Open this page from there.",
    goThere: "Go to the app",
    ended: "Your session has ended. Sign in again to go on.",
    failed: "That did not work. Is the server there?",
    signOut: "Sign out",
    signedInAs: (name: string) => `Signed in as ${name}`,
  },

  summary: {
    loading: "Looking at your accounts…",
    none: "No account is linked yet.",
    noneHint: "Accounts that you link in your app appear here, with how up to date they are.",
    allFresh: "Everything is up to date.",
    needsYou: (n: number) => count(n, { one: "1 account needs you.", other: `${n} accounts need you.` }),
    syncing: (n: number) => count(n, { one: "1 account is syncing.", other: `${n} accounts are syncing.` }),
    troubled: (n: number) =>
      count(n, {
        one: "1 account is waiting to be tried again.",
        other: `${n} accounts are waiting to be tried again.`,
      }),
    paused: (n: number) => count(n, { one: "1 account is paused.", other: `${n} accounts are paused.` }),
    first: (n: number) =>
      count(n, {
        one: "1 account awaits its first sync.",
        other: `${n} accounts await their first sync.`,
      }),
    restFresh: "The others are up to date.",
    offline: "You are offline.",
    offlineSince: (moment: string) => `This is what was known at ${moment}.`,
    offlineUnknown: "This is what was known last.",
    unreachable: "Tidemark cannot be reached.",
    failed: "Your accounts cannot be read now.",
    retry: "Try again",
  },

  platform: {
    bank: "Banks",
    mobileMoney: "Mobile money",
    synced: (label: string, moment: string) => `Last synced via ${label} ${moment}`,
    neverSynced: (label: string) => `Not synced via ${label} yet`,
    next: (moment: string) => `next ${moment}`,
    down: (label: string, moment: string) => `${label} is down; asked again ${moment}`,
    paused: "Syncs are paused",
    pausedUntil: (moment: string) => `Syncs are paused until ${moment}`,
    success: (share: string) => `${share} of the last 30 days' syncs succeeded`,
  },

  status: {
    up_to_date: "Up to date",
    never_synced: "Never synced",
    queued: "In line",
    running: "Syncing",
    waiting: "Waiting for the bank",
    waitingWallet: "Waiting for MTN MoMo",
    retrying: "Trying again",
    gone: "No longer known",
    needs_you: "Needs you",
    provider_down: "Bank is down",
    provider_downWallet: "MTN MoMo is down",
    paused: "Paused",
    unlinked: "Unlinked",
    offline: "Offline",
    of: (account: string) => `Status of ${account}`,
  },

  detail: {
    updated: (moment: string) => `Updated ${moment}`,
    complete: (day: string) => `complete through ${day}`,
    missingFetching: (days: string) => `${days} missing, being fetched`,
    missing: (days: string) => `${days} missing, fetched next`,
    more: (n: number) => count(n, { one: "1 more gap", other: `${n} more gaps` }),
    noList: "Follows the payments that your app requests; MTN MoMo does not list the others.",
    openReferences: (n: number) => count(n, { one: "1 payment is still open", other: `${n} payments are still open` }),
    firstAt: (moment: string) => `The first sync comes ${moment}.`,
    firstSoon: "The first sync is about to begin.",
    next: (moment: string) => `Next sync ${moment}.`,
    queued: "It begins as soon as there is room.",
    runningPages: (n: number) => count(n, { one: "1 page read", other: `${n} pages read` }),
    runningFound: (n: number) => count(n, { one: "1 new or changed", other: `${n} new or changed` }),
    runningWindows: (n: number) => count(n, { one: "1 stretch of days left", other: `${n} stretches of days left` }),
    runningStart: "Asking for what is new.",
    waiting: (moment: string) => `It is refreshing its data; asked again ${moment}.`,
    waitingSoon: "It is refreshing its data, which may take minutes.",
    retrying: (moment: string) => `Next try ${moment}.`,
    needsYouBank: "Your bank wants you to log in again. Until then nothing new can be read.",
    needsYouWallet: "Your wallet's API key is no longer accepted. Until you enter a new one, nothing new can be read.",
    providerDown: (moment: string) => `Nothing is lost: it is asked again ${moment}, and gaps are filled then.`,
    providerDownSoon: "Nothing is lost: it is asked again soon, and gaps are filled then.",
    paused: "Syncs of this account are paused.",
    pausedUntil: (moment: string) => `Syncs are paused until ${moment}.`,
    gone: "The bank no longer knows this account. Link it again in your app; its history stays.",
    asOf: (moment: string) => `As known at ${moment}`,
    dataAsOf: (moment: string) => `The bank's data is from ${moment}`,
    dataAsOfWallet: (moment: string) => `MTN MoMo's data is from ${moment}`,
    balanceUnknown: "Balance not known yet",
  },

  failure: {
    transient: "The connection broke off.",
    rate_limited: "The provider asked us to slow down.",
    auth_required: "The link was refused.",
    account_gone: "The account is not known there any more.",
    provider_down: "There was no answer.",
    invalid_response: "The answer made no sense.",
    configuration: "Something is set up wrongly on our side; your account is fine.",
    interrupted: "The sync was cut off.",
  } satisfies Record<FailureKind, string>,

  sync: {
    now: "Sync now",
    of: (account: string, platform: string) => `${account}, via ${platform}`,
    asking: "Asking…",
    againAt: (moment: string) => `Again at ${moment}`,
    inLine: "In line",
    running: "Syncing…",
    waiting: "Waiting…",
    keptShort: "Will be sent",
    kept: "You are offline. This is sent once you are back, even if you close the page.",
    sentLater: "Sent now that you are back.",
    failed: "It could not be sent. Try again.",
    refused: "Your session had ended before it could be sent. Sign in and try again.",
    outcome: {
      queued: "First in line: it begins in a moment.",
      already_running: "It is syncing already.",
      cooling_down: "It was synced only just now.",
      needs_you: "It needs you first.",
      paused: "Its syncs are paused.",
      provider_down: "The provider is down now.",
    } satisfies Record<SyncRequestOutcome, string>,
    outcomeUntil: (moment: string) => `Possible again at ${moment}.`,
  },

  fix: {
    bank: "Log in at the bank",
    opening: "Opening…",
    wallet: "Enter a new key",
    back: (account: string) => `Thank you. ${account} is being brought up to date.`,
    failed: "The bank's page cannot be opened now. Try again in a few minutes.",
  },

  wallet: {
    title: (account: string) => `A new key for ${account}`,
    explain:
      "Make a new API key for this wallet in MTN's partner portal, and enter it here. It is stored sealed; nobody can read it back.",
    apiUser: "API user",
    apiKey: "New API key",
    subscriptionKey: "Subscription key",
    subscriptionHint: "Only if it has changed.",
    save: "Save and sync",
    saving: "Saving…",
    cancel: "Cancel",
    keyNeeded: "Enter the new API key.",
    saved: "Saved. The wallet is being synced.",
    failed: "It could not be saved. Try again in a few minutes.",
  },

  coverage: {
    label: (from: string, to: string) => `History from ${from} to ${to}.`,
    complete: "complete",
    open: "may still change",
    missing: "missing",
    fetching: "being fetched",
    today: "today",
  },

  settings: {
    title: "When to sync",
    titleFor: (label: string) => `Sync settings for ${label}`,
    frequency: "How often",
    automatic: "As often as the account is used",
    minutes: (n: number) => count(n, { one: "Every minute", other: `Every ${n} minutes` }),
    hours: (n: number) => count(n, { one: "Every hour", other: `Every ${n} hours` }),
    days: (n: number) => count(n, { one: "Once a day", other: `Every ${n} days` }),
    hour: "At about",
    anyHour: "Any hour",
    notifications: "Tell me when an account needs me",
    saved: "Saved",
    saving: "Saving…",
    failed: "Not saved; what you see is what stands. Try again.",
    zone: (zone: string) => `${zone} time`,
  },

  activity: {
    show: "Activity",
    showFor: (account: string) => `Activity of ${account}`,
    transactions: "Transactions",
    noTransactions: "Nothing yet.",
    pending: "pending",
    posted: "posted",
    failed: "failed",
    removed: "withdrawn",
    changed: "changed",
    fresh: "new",
    noWords: "No description",
    arrived: (n: number) => count(n, { one: "1 new transaction", other: `${n} new transactions` }),
    log: "Syncs",
    noRuns: "No sync yet.",
    looked: (span: string) => `looked at ${span}`,
    lookedNow: "looked at open payments",
    found: (n: number) => count(n, { one: "1 new", other: `${n} new` }),
    changedCount: (n: number) => `${n} changed`,
    removedCount: (n: number) => `${n} withdrawn`,
    refused: (n: number, why: string) => `${n} left out${why === "" ? "" : ` (${why})`}`,
    nothing: "nothing new",
    success: "Up to date",
    running: "Under way",
    failedRun: "Failed",
    auth_error: "Refused",
    next: (moment: string) => `next ${moment}`,
    loading: "Reading…",
    unavailable: "Not kept for offline use.",
  },

  /** Why a transaction was left out: the reasons of tasks/@sync/platform.ts. */
  refusal: {
    missing_id: "without an id",
    inexact_amount: "amount unreadable",
    invalid_date: "date unreadable",
    invalid_direction: "neither in nor out",
    invalid_row: "unreadable",
  },

  trigger: {
    schedule: "on schedule",
    user: "you asked",
    webhook: "the provider told us",
    backend: "your app asked",
    manual: "an operator asked",
  } satisfies Record<SyncTrigger, string>,

  notifications: {
    title: "Notifications",
    open: (unread: number) =>
      unread === 0
        ? "Notifications"
        : count(unread, { one: "Notifications, 1 unread", other: `Notifications, ${unread} unread` }),
    none: "Nothing yet. You are told here, once, when an account needs you.",
    markRead: "Mark all as read",
    dismiss: "Dismiss",
    show: "Show",
    settings: "How you are told",
    tellRecovery: "Also tell me when an account works again",
    quietHours: "Let pushes wait for the morning",
    from: "from",
    to: "to",
    paused: "Push nothing at all",
  },

  push: {
    offer: "Hear of it the next time, even when this page is closed?",
    allow: "Notify this device",
    notNow: "Not now",
    on: "This device is notified.",
    denied: "Your browser blocks notifications from this page; allow them in its settings.",
    failed: "Notifications could not be switched on.",
    off: "Stop on this device",
  },
};

export type Words = typeof en;
