import { z } from "zod";
import { UsageError } from "../usage.ts";
import { askHidden, type Terminal } from "./hidden_prompt.ts";

/*
 * Secrets come from the environment or from a hidden prompt, never from arguments: those stand in the shell's history
 * and in every process list.
 */

/** Names of options that somebody may try; none of them exists. */
const SECRET_OPTION =
  /^--?(?:(?:mono|momo|madapi|wallet)-?)?(?:api-?key|subscription-?key|secret-?key|client-?(?:id|secret)|secret|key|pass(?:word)?|pin|token|msisdn|phone)(?:=|$)/i;

/** What Mono's secret keys begin with, and the 32 hexadecimal digits of MTN's API and subscription keys. */
const SECRET_VALUE = /^(?:--?[\w-]+=)?(?:(?:live|test)_[a-z]{2}_\S+|[0-9a-f]{32})$/i;

/** Throws UsageError for an argument that looks like a secret, or like the option for one. Repeats none of it. */
export function refuseSecrets(args: readonly string[]): void {
  if (args.some((argument) => SECRET_OPTION.test(argument) || SECRET_VALUE.test(argument))) {
    throw new UsageError(
      "An argument looks like a secret. Secrets are never arguments, because the shell's history and every process " +
        "list show them (change that one, if it was real): put it into MOMO_API_KEY or the other variables of " +
        ".env.example, or leave it out and be asked for it.",
    );
  }
}

/** The variables of one wallet's secrets, by the kind under which each is sealed. */
export const secretKinds = {
  momo_api_key: { variable: "MOMO_API_KEY", question: "API key of the wallet" },
  momo_subscription_key: { variable: "MOMO_SUBSCRIPTION_KEY", question: "Subscription key of the wallet" },
  madapi_client_id: { variable: "MADAPI_CLIENT_ID", question: "MADAPI client id" },
  madapi_client_secret: { variable: "MADAPI_CLIENT_SECRET", question: "MADAPI client secret" },
  madapi_api_key: { variable: "MADAPI_API_KEY", question: "MADAPI API key" },
  msisdn: { variable: "MADAPI_MSISDN", question: "Phone number of the wallet, with country code, digits only" },
} as const;

export type SecretKind = keyof typeof secretKinds;

export const allSecretKinds = Object.keys(secretKinds).filter((kind): kind is SecretKind =>
  Object.hasOwn(secretKinds, kind),
);

/** What a statement needs; a wallet has all of them or no statement. */
export const statementKinds = ["madapi_client_id", "madapi_client_secret", "madapi_api_key", "msisdn"] as const;

const oneWord = z.string().regex(/^[\x21-\x7e]+$/);

/** A secret as it may go into a header, or undefined. */
export const usableSecret = (text: string): string | undefined => oneWord.safeParse(text).data;

/**
 * The secrets of one wallet by kind, each from its variable or asked for. Throws UsageError where one is in no variable
 * and nobody can be asked, or what was typed cannot be a secret.
 *
 * @param terminal null where there is nobody to ask
 */
export async function walletSecrets(
  kinds: readonly SecretKind[],
  environment: Partial<Record<(typeof secretKinds)[SecretKind]["variable"], string | undefined>>,
  terminal: Terminal | null,
): Promise<Partial<Record<SecretKind, string>>> {
  const secrets: Partial<Record<SecretKind, string>> = {};
  for (const kind of kinds) {
    const { variable, question } = secretKinds[kind];
    secrets[kind] = environment[variable] ?? (await askFor(variable, question, terminal));
  }
  return secrets;
}

async function askFor(variable: string, question: string, terminal: Terminal | null): Promise<string> {
  if (terminal === null) {
    throw new UsageError(`${variable} is not set, and there is no terminal to ask for it.`);
  }
  const secret = usableSecret(await askHidden(terminal, question));
  if (secret === undefined) throw new UsageError(`${question}: what was typed is empty or holds spaces.`);
  return secret;
}
