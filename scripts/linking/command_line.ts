import { z } from "zod";
import { parseArguments } from "../arguments.ts";
import { UsageError } from "../usage.ts";
import { csvColumns } from "./csv.ts";
import { fieldEntries, type FieldName, fieldNames, type LinkFields, parseFields } from "./fields.ts";
import { refuseSecrets } from "./secrets.ts";

export const HELP = `Links an account, so that the worker keeps it up to date. Its first sync is queued at once.

A bank account, by Mono:
  npm run link -- --platform mono --user UUID --name TEXT --mono-account ID
  npm run link -- --platform mono --user UUID --name TEXT --code CODE      the code that Mono Connect just gave
    --currency CUR            when MONO_SECRET_KEY is not set (with it, Mono is asked for currency and institution)
    --institution TEXT, --institution-code CODE, --login-key KEY           accounts of one login are synced together

An MTN MoMo wallet:
  npm run link -- --platform mtn_momo --user UUID --name TEXT --api-user UUID
    --target-environment NAME   default: MOMO_TARGET_ENVIRONMENT
    --base-url URL              default: MOMO_BASE_URL, or the environment's own
    --currency CUR              default: the environment's
    --own-subscription-key      the wallet has one of its own; else the worker uses the app's MOMO_SUBSCRIPTION_KEY
    --statement                 the wallet has a MADAPI contract, so that its transactions can be listed
  Its secrets come from MOMO_API_KEY (and MOMO_SUBSCRIPTION_KEY, MADAPI_CLIENT_ID, MADAPI_CLIENT_SECRET, MADAPI_API_KEY,
  MADAPI_MSISDN), or are asked for. They are never arguments.

Both:
  --relink ACCOUNT_ID   goes on with an account of ours under the provider's new id; what is stored stays
  --history-days N      how far back the first sync reads

Accounts that an app has already:
  npm run link -- --csv FILE
  The first row names the columns: ${csvColumns.slice(0, 6).join(", ")},
    ${csvColumns.slice(6, 12).join(", ")},
    ${csvColumns.slice(12, 15).join(", ")},
    ${csvColumns.slice(15).join(", ")}
  platform, user_id and account_name are needed, and mono_account_id or mtn_reference_id (the wallet's API user). The
  columns that end in _env hold no secret: each names an environment variable that does (WALLET_1_KEY, say; names that
  begin with MOMO_ or MADAPI_ are taken). Refused lines are told with their reasons, all others are linked, and accounts
  that are linked already are left alone, so that a mended file can be handed in again. Exit code 1: some were refused.

The database is DATABASE_URL's, or that of the \`npm start\` which runs here.`;

/** What the arguments of `npm run link` ask for. */
export type Request =
  | { kind: "help" }
  | { kind: "csv"; file: string }
  | {
      kind: "one";
      fields: LinkFields;
      /** Of Mono Connect; then the account's id in `fields` is not known yet. */
      code: string | undefined;
      relink: string | undefined;
      statement: boolean;
      ownSubscriptionKey: boolean;
    };

/** Reads the arguments. Throws UsageError, in words that repeat no value. */
export function readArguments(args: string[]): Request {
  refuseSecrets(args);
  const fieldOptions = Object.values(fieldNames).map(({ option }) => [option, { type: "string" }] as const);
  const parsed = parseArguments({
    args,
    allowPositionals: true,
    options: {
      ...Object.fromEntries(fieldOptions),
      help: { type: "boolean", short: "h" },
      csv: { type: "string" },
      code: { type: "string" },
      relink: { type: "string" },
      statement: { type: "boolean", default: false },
      "own-subscription-key": { type: "boolean", default: false },
    },
  });
  if (parsed.positionals.length > 0) {
    throw new UsageError("An argument belongs to no option; a value with spaces needs quotes around it.");
  }
  const values = optionValues.parse(parsed.values);
  if (values.help === true || args.length === 0) return { kind: "help" };
  const { csv, code, relink, statement, "own-subscription-key": ownSubscriptionKey } = values;
  if (csv !== undefined) {
    if (
      Object.keys(parsed.values).some((name) => !["csv", "statement", "own-subscription-key"].includes(name)) ||
      statement
    ) {
      throw new UsageError("--csv stands alone: everything else is said in the file's columns.");
    }
    return { kind: "csv", file: csv };
  }
  if (relink !== undefined && !z.guid().safeParse(relink).success) throw new UsageError("--relink must be a UUID.");

  const said: Partial<Record<FieldName, string>> = {};
  for (const [name, { option }] of fieldEntries) {
    const value = values[option];
    if (typeof value === "string") said[name] = value;
  }
  if (code !== undefined && said.monoAccountId !== undefined) {
    throw new UsageError("Of --code and --mono-account, one is enough.");
  }
  const fields = parseFields(
    code === undefined ? said : { ...said, monoAccountId: "not-known-yet" },
    (name) => `--${fieldNames[name].option}`,
  );
  if (!fields.ok) throw new UsageError(`${fields.problems.join("; ")}. \`npm run link -- --help\` says more.`);
  if (fields.fields.platform === "mono" && (statement || ownSubscriptionKey)) {
    throw new UsageError("--statement and --own-subscription-key do not belong to mono.");
  }
  return { kind: "one", fields: fields.fields, code, relink, statement, ownSubscriptionKey };
}

const optionValues = z.looseObject({
  help: z.boolean().optional(),
  csv: z.string().optional(),
  code: z.string().optional(),
  relink: z.string().optional(),
  statement: z.boolean(),
  "own-subscription-key": z.boolean(),
});
