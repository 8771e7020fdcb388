import { jsonPgSmartTags } from "postgraphile/utils";

/** Nobody needs to be told, or may ask, whose rows these are: row level security answers one's own only. */
const hidden = { tags: { behavior: "-attribute:select -attribute:filterBy -attribute:orderBy" } };
const sortable = { tags: { behavior: "+attribute:orderBy" } };
const filterable = { tags: { behavior: "+attribute:filterBy" } };
/** In an index, but not where it would help. */
const unfit = { tags: { behavior: "-attribute:filterBy -attribute:orderBy" } };
/** An index for the machinery's sake; a row has one way in. */
const noWayIn = { tags: { behavior: "-single -update" } };

/**
 * What of the public schema is in the API, and under which names. What is not said here follows from the grants of
 * app_visitor. Rows are filtered and sorted by what an index answers, or what a user has few of.
 */
export const exposurePlugin = jsonPgSmartTags({
  version: 1,
  config: {
    class: {
      "app_public.accounts": {
        attribute: {
          user_id: hidden,
          account_name: sortable,
          linked_at: sortable,
          platform_source: filterable,
          account_type: filterable,
          sync_status: filterable,
          unlinked_at: filterable,
          mono_account_id: unfit,
          mtn_reference_id: unfit,
        },
      },
      "app_public.account_sync_states": {
        // One with its account, and no other way in.
        tags: {
          primaryKey: "account_id",
          foreignKey:
            "(account_id) references app_public.accounts (id)|@foreignFieldName syncState|@forwardBehavior -singularRelation:resource:single" +
            "|@backwardDescription Where the account stands right now: what it waits for, when it is synced next, which days are covered.",
          behavior: "-query:resource:connection -query:resource:list -query:resource:single",
        },
        attribute: { account_id: hidden },
      },
      "app_public.sync_settings": {
        // Two rows at most.
        tags: { behavior: "-query:resource:connection +query:resource:list" },
        attribute: { user_id: hidden },
      },
      "app_public.sync_logs": {
        // Read through their account, whose index they have.
        tags: { behavior: "-query:resource:connection -query:resource:list" },
        attribute: { user_id: hidden, account_id: unfit },
      },
      "app_public.transactions": {
        attribute: {
          user_id: hidden,
          account_id: { tags: { behavior: "+attribute:filterBy -attribute:orderBy" } },
          occurred_on: sortable,
          provider_transaction_id: unfit,
          amount: unfit,
        },
      },
      "app_public.transaction_revisions": {
        tags: { behavior: "-query:resource:connection -query:resource:list" },
        attribute: {
          user_id: hidden,
          transaction_id: unfit,
          revision: sortable,
        },
      },
      "app_public.notifications": {
        attribute: {
          user_id: hidden,
          episode_id: hidden,
          incident_id: hidden,
          account_id: unfit,
          read_at: { tags: { behavior: "+attribute:filterBy -attribute:orderBy" } },
        },
      },
      // Read and written as a whole: notificationPreferences.
      "app_public.notification_settings": { tags: { behavior: "-*" } },
      "app_public.notification_channels": { tags: { behavior: "-*" } },
      "app_public.push_subscriptions": {
        // Twenty rows at most.
        tags: { behavior: "-query:resource:connection +query:resource:list" },
        attribute: { user_id: hidden, endpoint: unfit, saved_at: unfit },
      },
    },
    constraint: {
      "app_public.accounts.accounts_id_user": noWayIn,
      "app_public.sync_settings.sync_settings_pkey": noWayIn,
      "app_public.push_subscriptions.push_subscriptions_pkey": noWayIn,
      "app_public.push_subscriptions.push_subscriptions_endpoint_key": noWayIn,
      "app_public.transactions.transactions_provider_key": noWayIn,
      "app_public.transaction_revisions.transaction_revisions_pkey": noWayIn,
      "app_public.sync_logs.sync_logs_account": {
        tags: {
          fieldName: "account",
          foreignFieldName: "syncLogs",
          forwardDescription: "The account that was synced.",
          backwardDescription: "This account's runs.",
        },
      },
      "app_public.transactions.transactions_account": {
        tags: {
          fieldName: "account",
          foreignFieldName: "transactions",
          forwardDescription: "The account it belongs to.",
          backwardDescription: "This account's transactions.",
        },
      },
      "app_public.transaction_revisions.transaction_revisions_transaction_id_fkey": {
        tags: {
          fieldName: "transaction",
          foreignFieldName: "revisions",
          forwardDescription: "The transaction as it is now.",
          backwardDescription: "Its earlier versions.",
        },
      },
      "app_public.notifications.notifications_account": {
        tags: {
          fieldName: "account",
          foreignFieldName: "notifications",
          forwardDescription: "The account it is about; null where it is about a platform.",
          backwardDescription: "What was told about this account.",
        },
      },
    },
    procedure: {
      "app_public.current_user_id": { tags: { behavior: "-*" } },
      "app_public.platform_sync_status": {
        tags: { behavior: "-queryField:resource:connection +queryField:resource:list" },
      },
    },
  },
});
