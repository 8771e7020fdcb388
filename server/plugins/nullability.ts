import { changeNullability } from "postgraphile/utils";

/**
 * What the catalogue cannot know: which arguments have no answer to null, and which answers are never null.
 */
export const nullabilityPlugin = changeNullability({
  RequestSyncInput: { accountId: "!", idempotencyKey: "!" },
  RequestAllSyncsInput: { idempotencyKey: "!" },
  ChooseSyncSettingsInput: { platformSource: "!" },
  UnlinkAccountInput: { accountId: "!" },
  MarkNotificationsReadInput: { ids: "[!]" },
  ChooseNotificationChannelInput: { platformSource: "!", channel: "!", enabled: "!" },
  SavePushSubscriptionInput: { endpoint: "!", p256dh: "!", auth: "!" },
  RemovePushSubscriptionInput: { endpoint: "!" },
  ChooseNotificationSettingsPayload: { result: "!" },
  ChooseNotificationChannelPayload: { result: "!" },
  SavePushSubscriptionPayload: { result: "!" },
  NotificationPreference: { channels: "[!]!" },
  RequestSyncPayload: { result: "!" },
  RequestAllSyncsPayload: { result: "[!]!" },
  MarkNotificationsReadPayload: { result: "[!]!" },
  Query: {
    platformSyncStatus: "[!]!",
    syncSettings: "[!]!",
    pushSubscriptions: "[!]!",
    accounts: "!",
    transactions: "!",
    notifications: "!",
  },
  AccountSyncState: { settled: "[!]!", gaps: "[!]!" },
  AccountConnection: { nodes: "[!]!", edges: "[!]!" },
  AccountEdge: { node: "!", cursor: "!" },
  TransactionConnection: { nodes: "[!]!", edges: "[!]!" },
  TransactionEdge: { node: "!", cursor: "!" },
  TransactionRevisionConnection: { nodes: "[!]!", edges: "[!]!" },
  TransactionRevisionEdge: { node: "!", cursor: "!" },
  SyncLogConnection: { nodes: "[!]!", edges: "[!]!" },
  SyncLogEdge: { node: "!", cursor: "!" },
  NotificationConnection: { nodes: "[!]!", edges: "[!]!" },
  NotificationEdge: { node: "!", cursor: "!" },
});
