import { z } from "zod";
import { codeOf, describeCode, sentenceOf } from "../../db/errors.ts";
import { standingLink } from "../../db/queries/accounts.ts";
import type { Queryable } from "../../db/queryable.ts";
import type { Keyring } from "../../tasks/@credentials/keyring.ts";
import { ProviderError } from "../../tasks/@http/errors.ts";
import { bankLink as bankLinkOf } from "../../tasks/@linking/bank_link.ts";
import { linkNewAccount } from "../../tasks/@linking/link_new_account.ts";
import { type MonoForPeople, ProviderBusyError } from "../../tasks/@linking/mono_for_people.ts";
import { ProblemError } from "../routes/problem.ts";
import { currencyField, type Linked, linkFields } from "./link_fields.ts";

/** A bank account, by Mono's id of it or by the code that Mono Connect just gave. */
export const bankLink = z
  .strictObject({
    platform_source: z.literal("mono"),
    ...linkFields,
    mono_account_id: z
      .string()
      .regex(/^[\w-]{1,100}$/, "must be the id that Mono gave the account")
      .optional(),
    code: z
      .string()
      .regex(/^[\w.-]{1,200}$/, "must be the code that Mono Connect gave")
      .optional()
      .describe("Works once, for ten minutes"),
    currency: currencyField.optional().describe("Asked of Mono where it is left out"),
  })
  .refine((given) => (given.mono_account_id === undefined) !== (given.code === undefined), {
    error: "needs either mono_account_id or code, and not both",
    path: ["mono_account_id"],
  });

/**
 * Links it; what the request leaves open is taken from Mono, where there is a key to ask with.
 *
 * @param mono null where this process has no key of Mono's
 * @throws ProblemError, and the refusals of link_account
 */
export async function linkBank(
  { db, keyring, mono }: { db: Queryable; keyring: Keyring; mono: MonoForPeople | null },
  given: z.infer<typeof bankLink>,
): Promise<Linked> {
  if (given.code === undefined) return linkById(given.mono_account_id ?? "");
  const { code } = given;
  if (mono === null)
    throw new ProblemError(503, { detail: "This server has no MONO_SECRET_KEY to exchange a code with." });
  const { accountId } = await ask(
    mono.ask((client, by) => client.exchangeCode(code, by)),
    "Mono does not know this code: it works once.",
  );
  try {
    return await linkById(accountId);
  } catch (error) {
    throw withAccountId(error, accountId);
  }

  async function linkById(externalId: string): Promise<Linked> {
    const { user_id: userId } = given;
    const standing = await standingLink(db, { userId, platform: "mono", externalId });
    // Told again, by a retry perhaps. Taking it up anew would have its whole history read again.
    if (standing !== null) return { id: standing, platform_source: "mono", outcome: "unchanged" };
    const details =
      mono === null
        ? null
        : await ask(
            mono.ask((client, by) => client.linkDetails(externalId, by)),
            "Mono knows no account with this id.",
          );
    const link = bankLinkOf(
      {
        userId,
        accountName: given.account_name,
        monoAccountId: externalId,
        currency: given.currency,
        institution: given.institution,
        historyDays: given.history_days,
      },
      details,
    );
    if (link === null) {
      throw new ProblemError(422, {
        code: "LNKNV",
        detail: "The account's currency is missing, and Mono did not tell it.",
      });
    }
    const linked = await linkNewAccount(db, keyring, link);
    return { id: linked.accountId, platform_source: "mono", outcome: linked.outcome };
  }
}

/** @param unknown what Mono means by 400 and 404 */
async function ask<T>(answer: Promise<T>, unknown: string): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ProviderBusyError) {
      throw new ProblemError(
        429,
        { code: error.code, detail: error.message },
        { cause: error, headers: { "retry-after": String(error.retryAfterSeconds) } },
      );
    }
    if (error instanceof ProviderError && (error.status === 400 || error.status === 404)) {
      throw new ProblemError(422, { code: "LNKNV", detail: unknown }, { cause: error });
    }
    const isOurKey = error instanceof ProviderError && (error.status === 401 || error.status === 403);
    throw new ProblemError(
      502,
      { detail: isOurKey ? "Mono does not accept our key." : "Mono could not answer; try again later." },
      { cause: error },
    );
  }
}

/** A code that was exchanged is spent, so that the refusal must tell what it stood for. */
function withAccountId(error: unknown, accountId: string): ProblemError {
  const code = codeOf(error);
  const said =
    error instanceof ProblemError
      ? error.problem
      : code === null
        ? { status: 500 }
        : { status: describeCode(code).httpStatus, code, detail: sentenceOf(error, code) };
  const { status, ...about } = said;
  return new ProblemError(status, { ...about, mono_account_id: accountId }, { cause: error });
}
