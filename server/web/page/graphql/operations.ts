/* Made by `npm run gen` from operations.graphql and server/schema.graphql. Review it, do not edit it. */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import { gql } from '@urql/core';
/** The platform that an account is linked and synced through. */
export type PlatformSource =
  /** Bank accounts, by Mono. */
  | 'mono'
  /** Mobile money, by the MTN MoMo API. */
  | 'mtn_momo';

/** What a notification tells. */
export type NotificationKind =
  /** The account needs its owner. */
  | 'reauth_required'
  /** The account still needs its owner. */
  | 'reauth_reminder'
  /** The account works again. */
  | 'recovered'
  /** The account keeps failing for a reason that its owner need not mend. */
  | 'sync_failing'
  /** The bank or the platform is down. */
  | 'provider_down'
  /** The bank or the platform is back. */
  | 'provider_recovered';

/** What made a run begin. */
export type SyncTrigger =
  /** Its time had come. */
  | 'schedule'
  /** Its owner asked for it. */
  | 'user'
  /** The provider told of a change. */
  | 'webhook'
  /** An app's backend asked for it. */
  | 'backend'
  /** An operator asked for it. */
  | 'manual';

/** How a run stands or ended. */
export type SyncLogStatus =
  /** The run is open: a worker is at it, or it waits for the provider. */
  | 'in_progress'
  /** The run brought the account up to date. */
  | 'success'
  /** The run failed; failureKind says how. */
  | 'failed'
  /** The provider refused the link. */
  | 'auth_error';

/** Why a run failed. */
export type FailureKind =
  /** Something that passes: a time-out, a dropped connection. */
  | 'transient'
  /** The provider asked us to slow down. */
  | 'rate_limited'
  /** The provider wants the account's owner. */
  | 'auth_required'
  /** The provider does not know the account any more. */
  | 'account_gone'
  /** The provider, or the bank behind it, is down. */
  | 'provider_down'
  /** The provider's answer made no sense. */
  | 'invalid_response'
  /** Our own key or settings are wrong; nobody's account is to blame. */
  | 'configuration'
  /** The run was cut off, by a restart say. It counts in no failure rate. */
  | 'interrupted';

/** What kind of account it is. */
export type AccountType =
  /** An account at a bank. */
  | 'bank'
  /** A mobile-money wallet. */
  | 'mobile_money';

/** Whether an account can be synced. */
export type SyncStatus =
  /** Syncs work. */
  | 'active'
  /** The provider wants its owner: the consent or the key must be renewed. */
  | 'auth_required'
  /** Three syncs in a row failed, or one failed for good. Syncs go on. */
  | 'error';

/** How far a transaction has come. */
export type TransactionStatus =
  /** Not settled yet. */
  | 'pending'
  /** Settled. */
  | 'posted'
  /** It did not go through. */
  | 'failed'
  /** The provider no longer returns it. */
  | 'removed';

/** Whether money came or went. */
export type TransactionDirection =
  /** Money came in. */
  | 'credit'
  /** Money went out. */
  | 'debit';

/** Where an account stands right now, in one word for people. */
export type SyncPhase =
  /** No sync has succeeded yet. */
  | 'never_synced'
  /** The last sync succeeded, and the next one is not due yet. */
  | 'up_to_date'
  /** A sync is due and waits for a worker. */
  | 'queued'
  /** A sync is running. */
  | 'running'
  /** A sync is open and waits for the provider, which may take minutes. */
  | 'waiting'
  /** The last sync failed; the next attempt has a time. */
  | 'retrying'
  /** The link needs its owner. */
  | 'needs_you'
  /** The provider, or the bank behind it, is down. */
  | 'provider_down'
  /** The account, or its platform, is paused. */
  | 'paused'
  /** The account is linked no longer. */
  | 'unlinked';

/** A language that notifications are written in. */
export type NotificationLanguage =
  /** English. */
  | 'en'
  /** French. */
  | 'fr';

/** What became of a request for a sync. */
export type SyncRequestOutcome =
  /** A sync was queued, first in line. */
  | 'queued'
  /** A sync is running; it brings what this one would. */
  | 'already_running'
  /** Too soon after the last attempt. */
  | 'cooling_down'
  /** The link needs its owner. */
  | 'needs_you'
  /** The account, or its platform, is paused. */
  | 'paused'
  /** The provider, or the bank behind it, is down. */
  | 'provider_down';

/** An interval of time that has passed where the smallest distinct unit is a second. */
export type IntervalInput = {
  /**
   * A quantity of seconds. This is the only non-integer field, as all the other
   * fields will dump their overflow into a smaller unit of time. Intervals don’t
   * have a smaller unit than seconds.
   */
  readonly seconds?: number | null | undefined;
  /** A quantity of minutes. */
  readonly minutes?: number | null | undefined;
  /** A quantity of hours. */
  readonly hours?: number | null | undefined;
  /** A quantity of days. */
  readonly days?: number | null | undefined;
  /** A quantity of months. */
  readonly months?: number | null | undefined;
  /** A quantity of years. */
  readonly years?: number | null | undefined;
};

/** All input for the `chooseNotificationSettings` mutation. */
export type ChooseNotificationSettingsInput = {
  /**
   * An arbitrary string value with no semantic meaning. Will be included in the
   * payload verbatim. May be used to track mutations by the client.
   */
  readonly clientMutationId?: string | null | undefined;
  /** The language of pushes and of the feed. At first: English. */
  readonly language?: NotificationLanguage | null | undefined;
  /** The zone of the quiet hours, an IANA name such as Africa/Lagos. At first: that of your accounts. */
  readonly timeZone?: string | null | undefined;
  /** Whether pushes wait for the end of the quiet hours. At first: yes. */
  readonly quietHours?: boolean | null | undefined;
  /** When the quiet hours begin, as HH:MM. At first: 22:00. */
  readonly quietFrom?: string | null | undefined;
  /** When the quiet hours end, as HH:MM; earlier than their beginning means the next morning. At first: 07:00. */
  readonly quietTo?: string | null | undefined;
  /** Pauses everything: no push at all, over any channel. The feed goes on. At first: no. */
  readonly paused?: boolean | null | undefined;
  /** Whether you want to be told when an account that needed you works again. At first: no. */
  readonly tellRecovery?: boolean | null | undefined;
};

/** A MoMo wallet to link. */
export type LinkMomoAccountInput = {
  /** What to call the wallet: 1 to 120 characters. */
  readonly accountName: string;
  /** The id of the wallet's MoMo API user. */
  readonly apiUserId: string;
  /** The API user's key. It is stored sealed. */
  readonly apiKey: string;
  /** The subscription key of the Collections product; left out, this server's. It is stored sealed. */
  readonly subscriptionKey?: string | null | undefined;
  /** The wallet's X-Target-Environment, such as mtnghana; left out, this server's. */
  readonly targetEnvironment?: string | null | undefined;
  /** Its MADAPI contract, where it has one; without, only tracked references are known of it. */
  readonly statement?: MomoStatementInput | null | undefined;
};

/** The MADAPI contract of a wallet, by which its statement is read. All of it is stored sealed. */
export type MomoStatementInput = {
  /** OAuth client id. */
  readonly clientId: string;
  /** OAuth client secret. */
  readonly clientSecret: string;
  /** API key. */
  readonly apiKey: string;
  /** Phone number of the wallet: country code and number, digits only. */
  readonly phoneNumber: string;
};

export type AccountPartsFragment = { readonly id: string, readonly accountName: string, readonly accountType: AccountType, readonly platformSource: PlatformSource, readonly institution: string | null, readonly currency: string, readonly balance: string | null, readonly balanceAsOf: string | null, readonly mtnReferenceId: string | null, readonly syncStatus: SyncStatus, readonly lastSyncedAt: string | null, readonly lastSyncAttempt: string | null, readonly dataAsOf: string | null, readonly coverageThrough: string | null, readonly linkedAt: string, readonly unlinkedAt: string | null, readonly syncState: { readonly phase: SyncPhase, readonly nextSyncAt: string | null, readonly waitingUntil: string | null, readonly coolingDownUntil: string | null, readonly retryingAt: string | null, readonly providerDownUntil: string | null, readonly pausedUntil: string | null, readonly failures: number, readonly lastFailureKind: FailureKind | null, readonly runStartedAt: string | null, readonly runPages: number | null, readonly runTransactions: number | null, readonly windowsLeft: number | null, readonly openReferences: number, readonly historyStart: string | null, readonly settled: ReadonlyArray<{ readonly fromDay: string, readonly toDay: string }>, readonly gaps: ReadonlyArray<{ readonly fromDay: string, readonly toDay: string }> } | null, readonly latestRun: { readonly id: string, readonly trigger: SyncTrigger, readonly status: SyncLogStatus, readonly syncStartedAt: string, readonly syncCompletedAt: string | null, readonly transactionsSynced: number, readonly pages: number, readonly seenCount: number, readonly newCount: number, readonly changedCount: number, readonly unchangedCount: number, readonly removedCount: number, readonly refusedCount: number, readonly refusals: unknown, readonly windows: unknown, readonly failureKind: FailureKind | null, readonly errorMessage: string | null, readonly nextSyncAt: string | null } | null };

export type RunPartsFragment = { readonly id: string, readonly trigger: SyncTrigger, readonly status: SyncLogStatus, readonly syncStartedAt: string, readonly syncCompletedAt: string | null, readonly transactionsSynced: number, readonly pages: number, readonly seenCount: number, readonly newCount: number, readonly changedCount: number, readonly unchangedCount: number, readonly removedCount: number, readonly refusedCount: number, readonly refusals: unknown, readonly windows: unknown, readonly failureKind: FailureKind | null, readonly errorMessage: string | null, readonly nextSyncAt: string | null };

export type TransactionPartsFragment = { readonly id: string, readonly status: TransactionStatus, readonly direction: TransactionDirection, readonly amount: string, readonly currency: string, readonly occurredAt: string, readonly occurredOn: string, readonly narration: string | null, readonly counterparty: string | null, readonly firstSeenAt: string, readonly changedAt: string | null, readonly revision: number };

export type NotificationPartsFragment = { readonly id: string, readonly accountId: string | null, readonly kind: NotificationKind, readonly title: string, readonly body: string, readonly createdAt: string, readonly readAt: string | null };

export type SettingPartsFragment = { readonly platformSource: PlatformSource, readonly preferredHour: number | null, readonly timeZone: string | null, readonly notificationsEnabled: boolean, readonly syncInterval: { readonly days: number | null, readonly hours: number | null, readonly minutes: number | null } | null };

export type AccountsQueryVariables = Exact<{ [key: string]: never; }>;


export type AccountsQuery = { readonly accounts: { readonly nodes: ReadonlyArray<{ readonly id: string, readonly accountName: string, readonly accountType: AccountType, readonly platformSource: PlatformSource, readonly institution: string | null, readonly currency: string, readonly balance: string | null, readonly balanceAsOf: string | null, readonly mtnReferenceId: string | null, readonly syncStatus: SyncStatus, readonly lastSyncedAt: string | null, readonly lastSyncAttempt: string | null, readonly dataAsOf: string | null, readonly coverageThrough: string | null, readonly linkedAt: string, readonly unlinkedAt: string | null, readonly syncState: { readonly phase: SyncPhase, readonly nextSyncAt: string | null, readonly waitingUntil: string | null, readonly coolingDownUntil: string | null, readonly retryingAt: string | null, readonly providerDownUntil: string | null, readonly pausedUntil: string | null, readonly failures: number, readonly lastFailureKind: FailureKind | null, readonly runStartedAt: string | null, readonly runPages: number | null, readonly runTransactions: number | null, readonly windowsLeft: number | null, readonly openReferences: number, readonly historyStart: string | null, readonly settled: ReadonlyArray<{ readonly fromDay: string, readonly toDay: string }>, readonly gaps: ReadonlyArray<{ readonly fromDay: string, readonly toDay: string }> } | null, readonly latestRun: { readonly id: string, readonly trigger: SyncTrigger, readonly status: SyncLogStatus, readonly syncStartedAt: string, readonly syncCompletedAt: string | null, readonly transactionsSynced: number, readonly pages: number, readonly seenCount: number, readonly newCount: number, readonly changedCount: number, readonly unchangedCount: number, readonly removedCount: number, readonly refusedCount: number, readonly refusals: unknown, readonly windows: unknown, readonly failureKind: FailureKind | null, readonly errorMessage: string | null, readonly nextSyncAt: string | null } | null }> }, readonly platformSyncStatus: ReadonlyArray<{ readonly platformSource: PlatformSource, readonly label: string, readonly syncedVia: string, readonly accounts: number, readonly activeAccounts: number, readonly authRequiredAccounts: number, readonly errorAccounts: number, readonly runningAccounts: number, readonly lastSyncedAt: string | null, readonly lastSyncAttempt: string | null, readonly nextSyncAt: string | null, readonly successRate: number | null, readonly medianDurationSeconds: number | null, readonly pausedUntil: string | null, readonly providerDownUntil: string | null }>, readonly syncSettings: ReadonlyArray<{ readonly platformSource: PlatformSource, readonly preferredHour: number | null, readonly timeZone: string | null, readonly notificationsEnabled: boolean, readonly syncInterval: { readonly days: number | null, readonly hours: number | null, readonly minutes: number | null } | null }> };

export type ActivityQueryVariables = Exact<{
  accountId: string;
}>;


export type ActivityQuery = { readonly account: { readonly id: string, readonly transactions: { readonly nodes: ReadonlyArray<{ readonly id: string, readonly status: TransactionStatus, readonly direction: TransactionDirection, readonly amount: string, readonly currency: string, readonly occurredAt: string, readonly occurredOn: string, readonly narration: string | null, readonly counterparty: string | null, readonly firstSeenAt: string, readonly changedAt: string | null, readonly revision: number }> }, readonly syncLogs: { readonly nodes: ReadonlyArray<{ readonly id: string, readonly trigger: SyncTrigger, readonly status: SyncLogStatus, readonly syncStartedAt: string, readonly syncCompletedAt: string | null, readonly transactionsSynced: number, readonly pages: number, readonly seenCount: number, readonly newCount: number, readonly changedCount: number, readonly unchangedCount: number, readonly removedCount: number, readonly refusedCount: number, readonly refusals: unknown, readonly windows: unknown, readonly failureKind: FailureKind | null, readonly errorMessage: string | null, readonly nextSyncAt: string | null }> } } | null };

export type FeedQueryVariables = Exact<{
  language: NotificationLanguage;
}>;


export type FeedQuery = { readonly unreadNotifications: number, readonly notifications: { readonly nodes: ReadonlyArray<{ readonly id: string, readonly accountId: string | null, readonly kind: NotificationKind, readonly title: string, readonly body: string, readonly createdAt: string, readonly readAt: string | null }> } };

export type NotificationSettingsQueryVariables = Exact<{ [key: string]: never; }>;


export type NotificationSettingsQuery = { readonly notificationPreferences: { readonly language: NotificationLanguage, readonly timeZone: string, readonly quietHours: boolean, readonly quietFrom: string, readonly quietTo: string, readonly paused: boolean, readonly tellRecovery: boolean } | null };

export type PreferencePartsFragment = { readonly language: NotificationLanguage, readonly timeZone: string, readonly quietHours: boolean, readonly quietFrom: string, readonly quietTo: string, readonly paused: boolean, readonly tellRecovery: boolean };

export type ChooseNotificationSettingsMutationVariables = Exact<{
  choice: ChooseNotificationSettingsInput;
}>;


export type ChooseNotificationSettingsMutation = { readonly chooseNotificationSettings: { readonly result: { readonly language: NotificationLanguage, readonly timeZone: string, readonly quietHours: boolean, readonly quietFrom: string, readonly quietTo: string, readonly paused: boolean, readonly tellRecovery: boolean }, readonly query: { readonly notificationPreferences: { readonly language: NotificationLanguage, readonly timeZone: string, readonly quietHours: boolean, readonly quietFrom: string, readonly quietTo: string, readonly paused: boolean, readonly tellRecovery: boolean } | null } | null } | null };

export type SavePushSubscriptionMutationVariables = Exact<{
  endpoint: string;
  p256dh: string;
  auth: string;
}>;


export type SavePushSubscriptionMutation = { readonly savePushSubscription: { readonly result: { readonly endpoint: string } } | null };

export type RemovePushSubscriptionMutationVariables = Exact<{
  endpoint: string;
}>;


export type RemovePushSubscriptionMutation = { readonly removePushSubscription: { readonly result: { readonly endpoint: string } | null } | null };

export type RequestSyncMutationVariables = Exact<{
  accountId: string;
  idempotencyKey: string;
}>;


export type RequestSyncMutation = { readonly requestSync: { readonly result: { readonly outcome: SyncRequestOutcome, readonly until: string | null }, readonly query: { readonly account: { readonly id: string, readonly accountName: string, readonly accountType: AccountType, readonly platformSource: PlatformSource, readonly institution: string | null, readonly currency: string, readonly balance: string | null, readonly balanceAsOf: string | null, readonly mtnReferenceId: string | null, readonly syncStatus: SyncStatus, readonly lastSyncedAt: string | null, readonly lastSyncAttempt: string | null, readonly dataAsOf: string | null, readonly coverageThrough: string | null, readonly linkedAt: string, readonly unlinkedAt: string | null, readonly syncState: { readonly phase: SyncPhase, readonly nextSyncAt: string | null, readonly waitingUntil: string | null, readonly coolingDownUntil: string | null, readonly retryingAt: string | null, readonly providerDownUntil: string | null, readonly pausedUntil: string | null, readonly failures: number, readonly lastFailureKind: FailureKind | null, readonly runStartedAt: string | null, readonly runPages: number | null, readonly runTransactions: number | null, readonly windowsLeft: number | null, readonly openReferences: number, readonly historyStart: string | null, readonly settled: ReadonlyArray<{ readonly fromDay: string, readonly toDay: string }>, readonly gaps: ReadonlyArray<{ readonly fromDay: string, readonly toDay: string }> } | null, readonly latestRun: { readonly id: string, readonly trigger: SyncTrigger, readonly status: SyncLogStatus, readonly syncStartedAt: string, readonly syncCompletedAt: string | null, readonly transactionsSynced: number, readonly pages: number, readonly seenCount: number, readonly newCount: number, readonly changedCount: number, readonly unchangedCount: number, readonly removedCount: number, readonly refusedCount: number, readonly refusals: unknown, readonly windows: unknown, readonly failureKind: FailureKind | null, readonly errorMessage: string | null, readonly nextSyncAt: string | null } | null } | null } | null } | null };

export type ChooseSyncSettingsMutationVariables = Exact<{
  platformSource: PlatformSource;
  syncInterval?: IntervalInput | null | undefined;
  preferredHour?: number | null | undefined;
  timeZone?: string | null | undefined;
  notificationsEnabled?: boolean | null | undefined;
}>;


export type ChooseSyncSettingsMutation = { readonly chooseSyncSettings: { readonly result: { readonly platformSource: PlatformSource, readonly preferredHour: number | null, readonly timeZone: string | null, readonly notificationsEnabled: boolean, readonly syncInterval: { readonly days: number | null, readonly hours: number | null, readonly minutes: number | null } | null } | null, readonly query: { readonly syncSettings: ReadonlyArray<{ readonly platformSource: PlatformSource, readonly preferredHour: number | null, readonly timeZone: string | null, readonly notificationsEnabled: boolean, readonly syncInterval: { readonly days: number | null, readonly hours: number | null, readonly minutes: number | null } | null }> } | null } | null };

export type MarkNotificationsReadMutationVariables = Exact<{
  ids?: ReadonlyArray<string> | string | null | undefined;
}>;


export type MarkNotificationsReadMutation = { readonly markNotificationsRead: { readonly result: ReadonlyArray<{ readonly id: string, readonly readAt: string | null }>, readonly query: { readonly unreadNotifications: number } | null } | null };

export type StartReauthenticationMutationVariables = Exact<{
  accountId: string;
}>;


export type StartReauthenticationMutation = { readonly startReauthentication: { readonly monoUrl: string | null } };

export type RenewWalletMutationVariables = Exact<{
  wallet: LinkMomoAccountInput;
}>;


export type RenewWalletMutation = { readonly linkMomoAccount: { readonly account: { readonly id: string, readonly accountName: string, readonly accountType: AccountType, readonly platformSource: PlatformSource, readonly institution: string | null, readonly currency: string, readonly balance: string | null, readonly balanceAsOf: string | null, readonly mtnReferenceId: string | null, readonly syncStatus: SyncStatus, readonly lastSyncedAt: string | null, readonly lastSyncAttempt: string | null, readonly dataAsOf: string | null, readonly coverageThrough: string | null, readonly linkedAt: string, readonly unlinkedAt: string | null, readonly syncState: { readonly phase: SyncPhase, readonly nextSyncAt: string | null, readonly waitingUntil: string | null, readonly coolingDownUntil: string | null, readonly retryingAt: string | null, readonly providerDownUntil: string | null, readonly pausedUntil: string | null, readonly failures: number, readonly lastFailureKind: FailureKind | null, readonly runStartedAt: string | null, readonly runPages: number | null, readonly runTransactions: number | null, readonly windowsLeft: number | null, readonly openReferences: number, readonly historyStart: string | null, readonly settled: ReadonlyArray<{ readonly fromDay: string, readonly toDay: string }>, readonly gaps: ReadonlyArray<{ readonly fromDay: string, readonly toDay: string }> } | null, readonly latestRun: { readonly id: string, readonly trigger: SyncTrigger, readonly status: SyncLogStatus, readonly syncStartedAt: string, readonly syncCompletedAt: string | null, readonly transactionsSynced: number, readonly pages: number, readonly seenCount: number, readonly newCount: number, readonly changedCount: number, readonly unchangedCount: number, readonly removedCount: number, readonly refusedCount: number, readonly refusals: unknown, readonly windows: unknown, readonly failureKind: FailureKind | null, readonly errorMessage: string | null, readonly nextSyncAt: string | null } | null } | null } };

export type AccountChangesSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type AccountChangesSubscription = { readonly myAccountChanged: { readonly accountId: string, readonly account: { readonly id: string, readonly accountName: string, readonly accountType: AccountType, readonly platformSource: PlatformSource, readonly institution: string | null, readonly currency: string, readonly balance: string | null, readonly balanceAsOf: string | null, readonly mtnReferenceId: string | null, readonly syncStatus: SyncStatus, readonly lastSyncedAt: string | null, readonly lastSyncAttempt: string | null, readonly dataAsOf: string | null, readonly coverageThrough: string | null, readonly linkedAt: string, readonly unlinkedAt: string | null, readonly syncState: { readonly phase: SyncPhase, readonly nextSyncAt: string | null, readonly waitingUntil: string | null, readonly coolingDownUntil: string | null, readonly retryingAt: string | null, readonly providerDownUntil: string | null, readonly pausedUntil: string | null, readonly failures: number, readonly lastFailureKind: FailureKind | null, readonly runStartedAt: string | null, readonly runPages: number | null, readonly runTransactions: number | null, readonly windowsLeft: number | null, readonly openReferences: number, readonly historyStart: string | null, readonly settled: ReadonlyArray<{ readonly fromDay: string, readonly toDay: string }>, readonly gaps: ReadonlyArray<{ readonly fromDay: string, readonly toDay: string }> } | null, readonly latestRun: { readonly id: string, readonly trigger: SyncTrigger, readonly status: SyncLogStatus, readonly syncStartedAt: string, readonly syncCompletedAt: string | null, readonly transactionsSynced: number, readonly pages: number, readonly seenCount: number, readonly newCount: number, readonly changedCount: number, readonly unchangedCount: number, readonly removedCount: number, readonly refusedCount: number, readonly refusals: unknown, readonly windows: unknown, readonly failureKind: FailureKind | null, readonly errorMessage: string | null, readonly nextSyncAt: string | null } | null } | null } };

export type TransactionsArriveSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type TransactionsArriveSubscription = { readonly newTransactions: { readonly accountId: string, readonly transactions: ReadonlyArray<{ readonly id: string }> } };

export type NotificationsArriveSubscriptionVariables = Exact<{
  language: NotificationLanguage;
}>;


export type NotificationsArriveSubscription = { readonly newNotification: { readonly notification: { readonly id: string, readonly accountId: string | null, readonly kind: NotificationKind, readonly title: string, readonly body: string, readonly createdAt: string, readonly readAt: string | null } | null } };

export const RunPartsFragmentDoc = gql`
    fragment RunParts on SyncLog {
  id
  trigger
  status
  syncStartedAt
  syncCompletedAt
  transactionsSynced
  pages
  seenCount
  newCount
  changedCount
  unchangedCount
  removedCount
  refusedCount
  refusals
  windows
  failureKind
  errorMessage
  nextSyncAt
}
    ` as unknown as DocumentNode<RunPartsFragment, unknown>;
export const AccountPartsFragmentDoc = gql`
    fragment AccountParts on Account {
  id
  accountName
  accountType
  platformSource
  institution
  currency
  balance
  balanceAsOf
  mtnReferenceId
  syncStatus
  lastSyncedAt
  lastSyncAttempt
  dataAsOf
  coverageThrough
  linkedAt
  unlinkedAt
  syncState {
    phase
    nextSyncAt
    waitingUntil
    coolingDownUntil
    retryingAt
    providerDownUntil
    pausedUntil
    failures
    lastFailureKind
    runStartedAt
    runPages
    runTransactions
    windowsLeft
    openReferences
    historyStart
    settled {
      fromDay
      toDay
    }
    gaps {
      fromDay
      toDay
    }
  }
  latestRun {
    ...RunParts
  }
}
    ` as unknown as DocumentNode<AccountPartsFragment, unknown>;
export const TransactionPartsFragmentDoc = gql`
    fragment TransactionParts on Transaction {
  id
  status
  direction
  amount
  currency
  occurredAt
  occurredOn
  narration
  counterparty
  firstSeenAt
  changedAt
  revision
}
    ` as unknown as DocumentNode<TransactionPartsFragment, unknown>;
export const NotificationPartsFragmentDoc = gql`
    fragment NotificationParts on Notification {
  id
  accountId
  kind
  title(language: $language)
  body(language: $language)
  createdAt
  readAt
}
    ` as unknown as DocumentNode<NotificationPartsFragment, unknown>;
export const SettingPartsFragmentDoc = gql`
    fragment SettingParts on SyncSetting {
  platformSource
  syncInterval {
    days
    hours
    minutes
  }
  preferredHour
  timeZone
  notificationsEnabled
}
    ` as unknown as DocumentNode<SettingPartsFragment, unknown>;
export const PreferencePartsFragmentDoc = gql`
    fragment PreferenceParts on NotificationPreference {
  language
  timeZone
  quietHours
  quietFrom
  quietTo
  paused
  tellRecovery
}
    ` as unknown as DocumentNode<PreferencePartsFragment, unknown>;
export const AccountsDocument = gql`
    query Accounts {
  accounts(first: 100) {
    nodes {
      ...AccountParts
    }
  }
  platformSyncStatus {
    platformSource
    label
    syncedVia
    accounts
    activeAccounts
    authRequiredAccounts
    errorAccounts
    runningAccounts
    lastSyncedAt
    lastSyncAttempt
    nextSyncAt
    successRate
    medianDurationSeconds
    pausedUntil
    providerDownUntil
  }
  syncSettings {
    ...SettingParts
  }
}
    ${AccountPartsFragmentDoc}
${RunPartsFragmentDoc}
${SettingPartsFragmentDoc}` as unknown as DocumentNode<AccountsQuery, AccountsQueryVariables>;
export const ActivityDocument = gql`
    query Activity($accountId: UUID!) {
  account(id: $accountId) {
    id
    transactions(first: 12) {
      nodes {
        ...TransactionParts
      }
    }
    syncLogs(first: 8) {
      nodes {
        ...RunParts
      }
    }
  }
}
    ${TransactionPartsFragmentDoc}
${RunPartsFragmentDoc}` as unknown as DocumentNode<ActivityQuery, ActivityQueryVariables>;
export const FeedDocument = gql`
    query Feed($language: NotificationLanguage!) {
  unreadNotifications
  notifications(first: 20) {
    nodes {
      ...NotificationParts
    }
  }
}
    ${NotificationPartsFragmentDoc}` as unknown as DocumentNode<FeedQuery, FeedQueryVariables>;
export const NotificationSettingsDocument = gql`
    query NotificationSettings {
  notificationPreferences {
    ...PreferenceParts
  }
}
    ${PreferencePartsFragmentDoc}` as unknown as DocumentNode<NotificationSettingsQuery, NotificationSettingsQueryVariables>;
export const ChooseNotificationSettingsDocument = gql`
    mutation ChooseNotificationSettings($choice: ChooseNotificationSettingsInput!) {
  chooseNotificationSettings(input: $choice) {
    result {
      ...PreferenceParts
    }
    query {
      notificationPreferences {
        ...PreferenceParts
      }
    }
  }
}
    ${PreferencePartsFragmentDoc}` as unknown as DocumentNode<ChooseNotificationSettingsMutation, ChooseNotificationSettingsMutationVariables>;
export const SavePushSubscriptionDocument = gql`
    mutation SavePushSubscription($endpoint: String!, $p256dh: String!, $auth: String!) {
  savePushSubscription(input: {endpoint: $endpoint, p256dh: $p256dh, auth: $auth}) {
    result {
      endpoint
    }
  }
}
    ` as unknown as DocumentNode<SavePushSubscriptionMutation, SavePushSubscriptionMutationVariables>;
export const RemovePushSubscriptionDocument = gql`
    mutation RemovePushSubscription($endpoint: String!) {
  removePushSubscription(input: {endpoint: $endpoint}) {
    result {
      endpoint
    }
  }
}
    ` as unknown as DocumentNode<RemovePushSubscriptionMutation, RemovePushSubscriptionMutationVariables>;
export const RequestSyncDocument = gql`
    mutation RequestSync($accountId: UUID!, $idempotencyKey: String!) {
  requestSync(input: {accountId: $accountId, idempotencyKey: $idempotencyKey}) {
    result {
      outcome
      until
    }
    query {
      account(id: $accountId) {
        ...AccountParts
      }
    }
  }
}
    ${AccountPartsFragmentDoc}
${RunPartsFragmentDoc}` as unknown as DocumentNode<RequestSyncMutation, RequestSyncMutationVariables>;
export const ChooseSyncSettingsDocument = gql`
    mutation ChooseSyncSettings($platformSource: PlatformSource!, $syncInterval: IntervalInput, $preferredHour: Int, $timeZone: String, $notificationsEnabled: Boolean) {
  chooseSyncSettings(
    input: {platformSource: $platformSource, syncInterval: $syncInterval, preferredHour: $preferredHour, timeZone: $timeZone, notificationsEnabled: $notificationsEnabled}
  ) {
    result {
      ...SettingParts
    }
    query {
      syncSettings {
        ...SettingParts
      }
    }
  }
}
    ${SettingPartsFragmentDoc}` as unknown as DocumentNode<ChooseSyncSettingsMutation, ChooseSyncSettingsMutationVariables>;
export const MarkNotificationsReadDocument = gql`
    mutation MarkNotificationsRead($ids: [BigInt!]) {
  markNotificationsRead(input: {ids: $ids}) {
    result {
      id
      readAt
    }
    query {
      unreadNotifications
    }
  }
}
    ` as unknown as DocumentNode<MarkNotificationsReadMutation, MarkNotificationsReadMutationVariables>;
export const StartReauthenticationDocument = gql`
    mutation StartReauthentication($accountId: UUID!) {
  startReauthentication(input: {accountId: $accountId}) {
    monoUrl
  }
}
    ` as unknown as DocumentNode<StartReauthenticationMutation, StartReauthenticationMutationVariables>;
export const RenewWalletDocument = gql`
    mutation RenewWallet($wallet: LinkMomoAccountInput!) {
  linkMomoAccount(input: $wallet) {
    account {
      ...AccountParts
    }
  }
}
    ${AccountPartsFragmentDoc}
${RunPartsFragmentDoc}` as unknown as DocumentNode<RenewWalletMutation, RenewWalletMutationVariables>;
export const AccountChangesDocument = gql`
    subscription AccountChanges {
  myAccountChanged {
    accountId
    account {
      ...AccountParts
    }
  }
}
    ${AccountPartsFragmentDoc}
${RunPartsFragmentDoc}` as unknown as DocumentNode<AccountChangesSubscription, AccountChangesSubscriptionVariables>;
export const TransactionsArriveDocument = gql`
    subscription TransactionsArrive {
  newTransactions {
    accountId
    transactions {
      id
    }
  }
}
    ` as unknown as DocumentNode<TransactionsArriveSubscription, TransactionsArriveSubscriptionVariables>;
export const NotificationsArriveDocument = gql`
    subscription NotificationsArrive($language: NotificationLanguage!) {
  newNotification {
    notification {
      ...NotificationParts
    }
  }
}
    ${NotificationPartsFragmentDoc}` as unknown as DocumentNode<NotificationsArriveSubscription, NotificationsArriveSubscriptionVariables>;