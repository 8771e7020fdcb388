import { z } from "zod";

/*
 * What is said of one account that is to be linked: by options of the command line, or by the columns of a CSV line.
 * Both are held to the same rules here. Secrets are never among it.
 */

const text = (pattern: RegExp, problem: string) => z.string({ error: "is missing" }).regex(pattern, problem);
const uuid = () => z.guid({ error: ({ input }) => (input === undefined ? "is missing" : "must be a UUID") });
const words = text(/^[^\p{Cc}]{1,120}$/u, "must be 1 to 120 characters in one line");

const common = {
  userId: uuid(),
  accountName: words,
  currency: text(/^[A-Z]{3}$/, "must be three capital letters, as in ISO 4217").optional(),
  institution: words.optional(),
  historyDays: text(/^\d{1,4}$/, "must be a whole number from 1 to 3660")
    .transform(Number)
    .refine((days) => days >= 1 && days <= 3660, "must be a whole number from 1 to 3660")
    .optional(),
};

const bankFields = z.strictObject({
  platform: z.literal("mono"),
  ...common,
  monoAccountId: text(/^[\w-]{1,100}$/, "must be the id that Mono gave the account"),
  institutionCode: text(/^[\w-]{1,40}$/, "must be one word").optional(),
  loginKey: text(/^\S{1,200}$/, "must be one word").optional(),
});

const walletFields = z.strictObject({
  platform: z.literal("mtn_momo"),
  ...common,
  mtnReferenceId: uuid(),
  baseUrl: z.string().optional(),
  targetEnvironment: z.string().optional(),
});

export type BankFields = z.infer<typeof bankFields>;
export type WalletFields = z.infer<typeof walletFields>;
export type LinkFields = BankFields | WalletFields;

const fields = z.discriminatedUnion("platform", [bankFields, walletFields], {
  error: ({ input }) => (hasPlatform(input) ? "must be mono or mtn_momo" : "is missing"),
});

export type FieldName = keyof BankFields | keyof WalletFields;

/** Every field, as an option of the command line and as a column of a CSV file. */
export const fieldNames: Record<FieldName, { option: string; column: string }> = {
  platform: { option: "platform", column: "platform" },
  userId: { option: "user", column: "user_id" },
  accountName: { option: "name", column: "account_name" },
  currency: { option: "currency", column: "currency" },
  institution: { option: "institution", column: "institution" },
  historyDays: { option: "history-days", column: "history_days" },
  monoAccountId: { option: "mono-account", column: "mono_account_id" },
  institutionCode: { option: "institution-code", column: "institution_code" },
  loginKey: { option: "login-key", column: "login_key" },
  mtnReferenceId: { option: "api-user", column: "mtn_reference_id" },
  baseUrl: { option: "base-url", column: "base_url" },
  targetEnvironment: { option: "target-environment", column: "target_environment" },
};

const isFieldName = (name: string): name is FieldName => Object.hasOwn(fieldNames, name);

/** The same as a list. */
export const fieldEntries = Object.keys(fieldNames)
  .filter(isFieldName)
  .map((name) => [name, fieldNames[name]] as const);

/**
 * Parses what was said. Answers the fields, or every problem in a sentence that names the option or the column (`label`)
 * and repeats no value: somebody may have put a secret where it does not belong.
 */
export function parseFields(
  said: Partial<Record<FieldName, string>>,
  label: (name: FieldName) => string,
): { ok: true; fields: LinkFields } | { ok: false; problems: string[] } {
  const parsed = fields.safeParse(said);
  if (parsed.success) return { ok: true, fields: parsed.data };
  const problems = parsed.error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.filter(isFieldName).map((name) => `${label(name)} does not belong to ${String(said.platform)}`);
    }
    const [name] = issue.path;
    return typeof name === "string" && isFieldName(name) ? [`${label(name)} ${issue.message}`] : [issue.message];
  });
  return { ok: false, problems };
}

const hasPlatform = (input: unknown): boolean =>
  typeof input === "object" && input !== null && "platform" in input && input.platform !== undefined;
