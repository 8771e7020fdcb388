import { context, type FieldArgs, object, sideEffect, type Step } from "postgraphile/grafast";
import { extendSchema, gql } from "postgraphile/utils";
import type { Identity } from "../identity.ts";
import { AccountUnknownError, type Linking } from "../linking.ts";

/**
 * Linking and re-authentication, whose secrets must not reach SQL as they are. (Unlinking is a saga of its own.)
 */
export const linksPlugin = extendSchema((build) => {
  const { accounts } = build.input.pgRegistry.pgResources;
  if (accounts === undefined) throw new Error("the accounts are not exposed");
  return {
    typeDefs: gql`
      extend type Mutation {
        """
        Links a bank account by the code that Mono Connect gave, which works once and for ten minutes. Should linking fail
        after the code was used, the error's extensions have monoAccountId: your backend can link by it.
        """
        linkMonoAccount(
          """
          What to link.
          """
          input: LinkMonoAccountInput!
        ): LinkAccountPayload!
        """
        Links a MoMo wallet, or gives a linked one its new key. Its secrets are sealed before they are stored.
        """
        linkMomoAccount(
          """
          What to link.
          """
          input: LinkMomoAccountInput!
        ): LinkAccountPayload!
        """
        Begins to renew the consent of a bank account. The page at the provider lives for minutes: ask for it when the user
        taps.
        """
        startReauthentication(
          """
          Which account.
          """
          input: StartReauthenticationInput!
        ): StartReauthenticationPayload!
      }

      """
      A bank account to link.
      """
      input LinkMonoAccountInput {
        """
        The code that Mono Connect gave.
        """
        code: String!
        """
        What to call the account: 1 to 120 characters.
        """
        accountName: String!
      }

      """
      A MoMo wallet to link.
      """
      input LinkMomoAccountInput {
        """
        What to call the wallet: 1 to 120 characters.
        """
        accountName: String!
        """
        The id of the wallet's MoMo API user.
        """
        apiUserId: UUID!
        """
        The API user's key. It is stored sealed.
        """
        apiKey: String!
        """
        The subscription key of the Collections product; left out, this server's. It is stored sealed.
        """
        subscriptionKey: String
        """
        The wallet's X-Target-Environment, such as mtnghana; left out, this server's.
        """
        targetEnvironment: String
        """
        Its MADAPI contract, where it has one; without, only tracked references are known of it.
        """
        statement: MomoStatementInput
      }

      """
      The MADAPI contract of a wallet, by which its statement is read. All of it is stored sealed.
      """
      input MomoStatementInput {
        """
        OAuth client id.
        """
        clientId: String!
        """
        OAuth client secret.
        """
        clientSecret: String!
        """
        API key.
        """
        apiKey: String!
        """
        Phone number of the wallet: country code and number, digits only.
        """
        phoneNumber: String!
      }

      """
      What linking answers.
      """
      type LinkAccountPayload {
        """
        The linked account; its first sync has been queued.
        """
        account: Account
      }

      """
      Which account's consent to renew.
      """
      input StartReauthenticationInput {
        """
        One of your accounts.
        """
        accountId: UUID!
      }

      """
      How to renew the consent.
      """
      type StartReauthenticationPayload {
        """
        The account.
        """
        account: Account
        """
        Mono's page, for the user to open at once. Null for a MoMo wallet: link it again with its new key.
        """
        monoUrl: String
      }
    `,
    objects: {
      Mutation: {
        plans: {
          linkMonoAccount: (_parent, fieldArgs) =>
            linked(accounts, fieldArgs, (linking, userId, input) => linking.linkMono(userId, input)),
          linkMomoAccount: (_parent, fieldArgs) =>
            linked(accounts, fieldArgs, (linking, userId, input) => linking.linkMomo(userId, input)),
          startReauthentication(_parent, fieldArgs) {
            const $account = accounts.get({ id: fieldArgs.getRaw(["input", "accountId"]) });
            const $monoUrl = sideEffect(
              [
                context().get("linking"),
                $account.get("id"),
                $account.get("mono_account_id"),
                $account.get("unlinked_at"),
              ],
              ([linking, id, monoAccountId, unlinkedAt]) => mint(linking, { id, monoAccountId, unlinkedAt }),
            );
            return object({ account: $account, monoUrl: $monoUrl });
          },
        },
      },
    },
  };
});

type Accounts = { get(spec: { id: Step }): Step };

/** The account that `link` made, read again as its owner. */
function linked(
  accounts: Accounts,
  fieldArgs: FieldArgs,
  link: (linking: Linking, userId: string, input: unknown) => Promise<string>,
): Step {
  const $accountId = sideEffect(
    [context().get("linking"), context().get("identity"), fieldArgs.getRaw("input")],
    ([linking, identity, input]) => link(linking, signedIn(identity), input),
  );
  return object({ account: accounts.get({ id: $accountId }) });
}

function signedIn(identity: Identity | null): string {
  if (identity === null) throw new AccountUnknownError("Sign in to link an account.");
  return identity.userId;
}

/** Nothing is known of an account that row level security hides: all of its columns are null. */
function mint(
  linking: Linking,
  { id, monoAccountId, unlinkedAt }: { id: unknown; monoAccountId: unknown; unlinkedAt: unknown },
): Promise<string> | null {
  if (typeof id !== "string" || unlinkedAt !== null) throw new AccountUnknownError("There is no such account.");
  return typeof monoAccountId === "string" ? linking.mintReauthentication({ id, monoAccountId }) : null;
}
