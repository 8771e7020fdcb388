import { TYPES } from "postgraphile/@dataplan/pg";
import { access, constant, context, type FieldArgs, lambda, listen, type Step } from "postgraphile/grafast";
import { extendSchema, gql } from "postgraphile/utils";
import { LARGEST_PAGE } from "./pages.ts";

/**
 * Live updates. An event carries ids only; what it is about is read anew for each subscriber, as that subscriber, so that
 * row level security holds on every pushed row.
 */
export const subscriptionsPlugin = extendSchema((build) => {
  const { sql } = build;
  const { accounts, notifications, sync_logs: syncLogs, transactions } = build.input.pgRegistry.pgResources;
  if (accounts === undefined || notifications === undefined || syncLogs === undefined || transactions === undefined) {
    throw new Error("what subscriptions read is not exposed");
  }
  return {
    typeDefs: gql`
      extend type Subscription {
        """
        One of your accounts was linked, changed or deleted, or a sync of it began, waits or ended.
        """
        myAccountChanged: AccountChange!
        """
        A sync of one of your accounts began, saved something, waits or ended.
        """
        syncProgress(
          """
          Only of this account.
          """
          accountId: UUID
        ): SyncProgress!
        """
        Transactions of one of your accounts were saved for the first time.
        """
        newTransactions(
          """
          Only of this account.
          """
          accountId: UUID
        ): NewTransactions!
        """
        Something was put into your feed.
        """
        newNotification: NewNotification!
      }

      """
      An account that changed.
      """
      type AccountChange {
        """
        Which account.
        """
        accountId: UUID!
        """
        The account as it is now; null when it is gone.
        """
        account: Account
      }

      """
      A sync that goes on.
      """
      type SyncProgress {
        """
        Which account is synced.
        """
        accountId: UUID!
        """
        The account as it is now.
        """
        account: Account
        """
        The run as it is now.
        """
        run: SyncLog
      }

      """
      Transactions that are new.
      """
      type NewTransactions {
        """
        Whose transactions they are.
        """
        accountId: UUID!
        """
        The account as it is now.
        """
        account: Account
        """
        The new ones, at most 100 of them, the newest first.
        """
        transactions: [Transaction!]!
      }

      """
      A notification that is new.
      """
      type NewNotification {
        """
        What was put into the feed.
        """
        notification: Notification
      }
    `,
    objects: {
      Subscription: {
        plans: {
          myAccountChanged: {
            subscribePlan: () => listen(context().get("live"), "accounts"),
            plan: ($event: Step) => $event,
          },
          syncProgress: { subscribePlan: (_root, args) => ofAccount("runs", args), plan: ($event: Step) => $event },
          newTransactions: {
            subscribePlan: (_root, args) => ofAccount("transactions", args),
            plan: ($event: Step) => $event,
          },
          newNotification: {
            subscribePlan: () => listen(context().get("live"), "notifications"),
            plan: ($event: Step) => $event,
          },
        },
      },
      AccountChange: {
        plans: { account: ($event: Step) => accounts.get({ id: access($event, "accountId") }) },
      },
      SyncProgress: {
        plans: {
          account: ($event: Step) => accounts.get({ id: access($event, "accountId") }),
          run: ($event: Step) => syncLogs.get({ id: access($event, "runId") }),
        },
      },
      NewTransactions: {
        plans: {
          account: ($event: Step) => accounts.get({ id: access($event, "accountId") }),
          transactions($event: Step) {
            const $found = transactions.find({ account_id: access($event, "accountId") });
            const first = $found.placeholder(access($event, "first"), TYPES.bigint);
            const last = $found.placeholder(access($event, "last"), TYPES.bigint);
            $found.where(sql`${$found.alias}.id between ${first} and ${last}`);
            $found.orderBy({ attribute: "id", direction: "DESC" });
            $found.setFirst(constant(LARGEST_PAGE));
            return $found;
          },
        },
      },
      NewNotification: {
        plans: { notification: ($event: Step) => notifications.get({ id: access($event, "notificationId") }) },
      },
    },
  };
});

/** Topics are `runs` for all of one's accounts and `runs ID` for one of them. */
function ofAccount(kind: string, fieldArgs: FieldArgs): Step {
  const $topic = lambda(fieldArgs.getRaw("accountId"), (id) => (typeof id === "string" ? `${kind} ${id}` : kind));
  return listen(context().get("live"), $topic);
}
