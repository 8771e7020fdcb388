import { setTimeout } from "node:timers/promises";
import type { Queryable } from "../../db/queryable.ts";
import { createHttpClient } from "../../tasks/@http/client.ts";
import { InsecureUrlError, NotJsonError, ProviderError, UnexpectedShapeError } from "../../tasks/@http/errors.ts";
import { bankLink } from "../../tasks/@linking/bank_link.ts";
import type { NewLink } from "../../tasks/@linking/link_new_account.ts";
import { MonoForPeople, ProviderBusyError } from "../../tasks/@linking/mono_for_people.ts";
import { createMonoClient, type LinkDetails } from "../../tasks/@providers/mono/client.ts";
import { UsageError } from "../usage.ts";
import type { BankFields } from "./fields.ts";

/** Mono, as far as linking asks it. Each throws UsageError with a sentence when Mono says no or says nothing. */
export type MonoAccess = {
  describe(monoAccountId: string): Promise<LinkDetails>;
  /** Turns the code that Mono Connect gave into the account's id; a code works once. */
  exchange(code: string): Promise<string>;
  close(): Promise<void>;
};

/** @param options.isWaitedFor whether somebody waits for each answer, as they do not for each line of a file */
export function openMono(options: {
  db: Queryable;
  baseUrl: string;
  secretKey: string;
  isWaitedFor: boolean;
}): MonoAccess {
  const { db, isWaitedFor, ...about } = options;
  const http = createHttpClient();
  const people = new MonoForPeople({ client: createMonoClient({ http, ...about }), db, isWaitedFor });
  const ask = async <T>(question: Parameters<typeof people.ask<T>>[0], unknown: string): Promise<T> => {
    for (;;) {
      try {
        return await people.ask(question);
      } catch (error) {
        if (isWaitedFor || !(error instanceof ProviderBusyError)) {
          throw new UsageError(sentenceOf(error, unknown), { cause: error });
        }
        // A line of a file has the time.
        await setTimeout(error.retryAfterSeconds * 1000);
      }
    }
  };
  return {
    describe: (id) => ask((mono, by) => mono.linkDetails(id, by), "Mono knows no account with this id."),
    exchange: async (code) => {
      const { accountId } = await ask(
        (mono, by) => mono.exchangeCode(code, by),
        "Mono does not know this code; it works once, and for ten minutes only.",
      );
      return accountId;
    },
    close: () => http.close(),
  };
}

function sentenceOf(error: unknown, unknown: string): string {
  if (error instanceof ProviderBusyError) return error.message;
  if (error instanceof ProviderError) {
    if (error.status === 400 || error.status === 404) return unknown;
    if (error.status === 401 || error.status === 403) return "Mono does not accept MONO_SECRET_KEY.";
    return `Mono could not answer (status ${error.status}); try again later.`;
  }
  if (error instanceof InsecureUrlError) return `Mono's address cannot be used: ${error.message}.`;
  if (error instanceof NotJsonError || error instanceof UnexpectedShapeError) {
    return "Mono's answer could not be understood.";
  }
  return "Mono could not be reached.";
}

/** The link that these fields and Mono make. Throws UsageError when the account's currency is known to nobody. */
export function bankLinkOrRefuse(fields: BankFields, details: LinkDetails | null): NewLink {
  const link = bankLink(fields, details);
  if (link !== null) return link;
  throw new UsageError(
    details === null
      ? "The currency is missing, and without MONO_SECRET_KEY Mono cannot be asked for it."
      : "Mono does not tell the account's currency, so it must be given.",
  );
}
