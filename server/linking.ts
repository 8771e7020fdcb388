import { z } from "zod";
import { codeOf } from "../db/errors.ts";
import type { Queryable } from "../db/queryable.ts";
import { recordTap } from "../db/queries/reauthentication.ts";
import type { Keyring } from "../tasks/@credentials/keyring.ts";
import { ProviderError } from "../tasks/@http/errors.ts";
import { type MonoForPeople, ProviderBusyError } from "../tasks/@linking/mono_for_people.ts";
import type { WalletDefaults } from "../tasks/@linking/wallet_link.ts";
import { ProblemError } from "./routes/problem.ts";
import { bankLink, linkBank } from "./service/link_bank.ts";
import { linkWallet, walletLink } from "./service/link_wallet.ts";

/** What a person entered makes no link. The message tells them, and repeats no value. */
export class LinkRefusedError extends Error {
  override readonly name = "LinkRefusedError";
  readonly code = "LNKNV";
}

/** The provider cannot be asked now, for whatever reason; the cause is for the log. */
export class ProviderSilentError extends Error {
  override readonly name = "ProviderSilentError";
  readonly code = "PRVNA";
}

/** There is no such account, or it is not theirs. */
export class AccountUnknownError extends Error {
  override readonly name = "AccountUnknownError";
  readonly code = "NTFND";
}

/**
 * A code of Mono's is spent, though no account was linked by it: the cause says why. The app's backend can finish what was
 * begun, by POST /accounts with this id, which is told to nobody but whoever had the code.
 */
export class CodeSpentError extends Error {
  override readonly name = "CodeSpentError";
  readonly monoAccountId: string;

  constructor(monoAccountId: string, options: ErrorOptions) {
    super("The code is spent, and the account is not linked.", options);
    this.monoAccountId = monoAccountId;
  }
}

export type LinkingDependencies = {
  /** Acts as app_service: it executes the verbs of linking and reads no table. */
  db: Queryable;
  keyring: Keyring;
  /** Null where this process has no key of Mono's. */
  mono: MonoForPeople | null;
  momo: WalletDefaults;
  /** Where people reach this server: Mono sends them back there. */
  publicUrl: string | undefined;
};

/**
 * What people do to their links: make one, renew one. A backend does the same by POST /accounts, under the same rules;
 * what a person enters is less, and never an address.
 */
export class Linking {
  readonly #deps: LinkingDependencies | null;

  /** @param deps null: linking is off, for want of an encryption key */
  constructor(deps: LinkingDependencies | null) {
    this.#deps = deps;
  }

  /**
   * Links a bank account by the code that Mono Connect gave, and answers our id of it.
   *
   * @param input not yet trusted
   * @throws LinkRefusedError, ProviderSilentError, ProviderBusyError, and LNKNV or LNKDP as link_account raises them; once
   * the code is spent, CodeSpentError with any of these as its cause
   */
  linkMono(userId: string, input: unknown): Promise<string> {
    return this.#link(async (deps) => {
      const { code, accountName } = parse(bankInput, input);
      const given = { platform_source: "mono", user_id: userId, account_name: accountName, code };
      return linkBank(deps, parse(bankLink, given));
    });
  }

  /**
   * Links a MoMo wallet, or gives a linked one its new key, and answers our id of it.
   *
   * @param input not yet trusted
   * @throws LinkRefusedError, and LNKNV or LNKDP as link_account raises them
   */
  linkMomo(userId: string, input: unknown): Promise<string> {
    return this.#link(async (deps) => {
      const { accountName, apiUserId, apiKey, subscriptionKey, targetEnvironment, statement } = parse(
        walletInput,
        input,
      );
      const given = {
        platform_source: "mtn_momo",
        user_id: userId,
        account_name: accountName,
        mtn_reference_id: apiUserId.toLowerCase(),
        ...(targetEnvironment === undefined ? {} : { target_environment: targetEnvironment }),
        credentials: {
          api_key: apiKey,
          ...(subscriptionKey === undefined ? {} : { subscription_key: subscriptionKey }),
          ...(statement === undefined
            ? {}
            : {
                statement: {
                  client_id: statement.clientId,
                  client_secret: statement.clientSecret,
                  api_key: statement.apiKey,
                  msisdn: statement.phoneNumber,
                },
              }),
        },
      };
      return linkWallet(deps, parse(walletLink(deps.momo), given));
    });
  }

  /**
   * Mints the page on which a user renews an account's consent. It lives for minutes, so it is minted when they tap; that
   * they did is remembered.
   *
   * @throws LinkRefusedError, ProviderSilentError, ProviderBusyError
   */
  async mintReauthentication(account: { id: string; monoAccountId: string }): Promise<string> {
    const { db, mono = null } = this.#deps ?? {};
    if (db === undefined || mono === null) throw new ProviderSilentError("Mono is switched off on this server.");
    const publicUrl = this.#deps?.publicUrl;
    if (publicUrl === undefined) throw new Error("PUBLIC_URL is not set, so Mono cannot send people back.");
    await recordTap(db, account.id);
    const redirectUrl = `${publicUrl}/?reauthenticated=${account.id}`;
    try {
      const about = { redirectUrl, ref: account.id };
      const { url } = await mono.ask((client, by) => client.initiateReauthorisation(account.monoAccountId, about, by));
      return url;
    } catch (error) {
      if (error instanceof ProviderBusyError) throw error;
      if (error instanceof ProviderError && (error.status === 400 || error.status === 404)) {
        throw new LinkRefusedError("Mono does not know this account any more; link it again.", { cause: error });
      }
      throw silent(error);
    }
  }

  async #link(link: (deps: LinkingDependencies) => Promise<{ id: string }>): Promise<string> {
    if (this.#deps === null) throw new ProviderSilentError("Accounts cannot be linked on this server.");
    try {
      return (await link(this.#deps)).id;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      const told = toldOf(error);
      const { mono_account_id: monoAccountId } = error.problem;
      throw monoAccountId === undefined ? told : new CodeSpentError(monoAccountId, { cause: told });
    }
  }
}

/** What a person is told of a problem that a backend would be told of. */
function toldOf(error: ProblemError): Error {
  const { status, detail = "The account cannot be linked." } = error.problem;
  if (status >= 500) return silent(error);
  // A code that another account stands behind, say: the verb's own word is closer.
  if (error.cause instanceof Error && codeOf(error.cause) !== null) return error.cause;
  return new LinkRefusedError(detail, { cause: error });
}

const silent = (cause: unknown): ProviderSilentError =>
  new ProviderSilentError("The provider gives no answer now; try again in a few minutes.", { cause });

/** GraphQL's null and absence are one here. */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

const bankInput = z.object({ code: z.string(), accountName: z.string() });

const walletInput = z.object({
  accountName: z.string(),
  apiUserId: z.string(),
  apiKey: z.string(),
  subscriptionKey: optional(z.string()),
  targetEnvironment: optional(z.string()),
  statement: optional(
    z.object({ clientId: z.string(), clientSecret: z.string(), apiKey: z.string(), phoneNumber: z.string() }),
  ),
});

/** Throws LinkRefusedError, which says which field has which problem and never the value. */
function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${camelCase(String(path.at(-1)))} ${message}`);
  throw new LinkRefusedError(`${problems.join("; ")}.`);
}

/** Fields have the names of the internal endpoints there, and those of GraphQL here. */
const camelCase = (name: string): string => {
  const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return { msisdn: "phoneNumber", mtnReferenceId: "apiUserId" }[camel] ?? camel;
};
