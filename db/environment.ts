import { isIP } from "node:net";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { distance } from "fastest-levenshtein";
import { z } from "zod";
import { EncryptionKeysError, parseEncryptionKeys } from "./encryption_keys.ts";
import { parseServiceTokens, ServiceTokensError } from "./service_tokens.ts";
import { areVapidKeysAPair, problemOfVapidPrivateKey, problemOfVapidPublicKey } from "./vapid_keys.ts";

/**
 * The environment: every variable that Tidemark reads, parsed once, at the start of a process.
 *
 * All problems are reported together, one line each, and no line repeats a value: a value may be a secret, or a secret
 * put under the wrong name. An empty variable counts as unset. Nothing secret has a default.
 */

const wholeNumber = (least: number, most: number) => {
  const problem = `must be a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, problem)
    .transform(Number)
    .refine((value) => value >= least && value <= most, problem);
};

/** The base of a provider's addresses, without the slash at its end. */
const baseUrl = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : null;
  const problem = problemOfBaseUrl(url);
  if (url === null || problem !== null) {
    context.addIssue({ code: "custom", message: problem ?? "must be an address" });
    return z.NEVER;
  }
  return url.href.replace(/\/+$/, "");
});

const problemOfBaseUrl = (url: URL | null): string | null => {
  if (url === null) return "must be an address that starts with https://";
  if (url.username !== "" || url.password !== "") return "must not contain a user name or a password";
  if (url.search !== "" || url.hash !== "") return "must end with the path: no ? and no #";
  if (url.protocol === "https:") return null;
  if (url.protocol === "http:" && isLoopback(url.hostname)) return null;
  // Every request carries a key, and plain http would show it to the network.
  return "must start with https:// (http:// is for this machine only)";
};

/** The same rule holds when a request is sent (tasks/@http/client.ts): where the simulators are, and nowhere else. */
const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);

/** Where an app's links begin: its own scheme (`budget://`, `budget://open`) or https; without the slash at its end. */
const appLinkBase = z.string().transform((text, context) => {
  const refuse = (message: string) => {
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//.exec(text)?.[1];
  if (scheme === undefined || !URL.canParse(text)) return refuse("must be an address such as budget:// or https://…");
  if (/[?#@\s]/.test(text)) return refuse("must end with the path: no ?, no #, no @ and no space");
  if (BROWSERS_OWN.has(scheme)) return refuse("must be your app's own scheme, or https");
  if (scheme === "http" && !isLoopback(new URL(text).hostname)) {
    return refuse("must start with https:// (http:// is for this machine only)");
  }
  return `${scheme}://${text.slice(scheme.length + 3).replace(/\/+$/, "")}`;
});

/** A browser does something of its own with these. */
const BROWSERS_OWN: ReadonlySet<string> = new Set([
  "about",
  "blob",
  "data",
  "file",
  "ftp",
  "javascript",
  "vbscript",
  "ws",
  "wss",
]);

const databaseUrl = z
  .string()
  .regex(/^postgres(?:ql)?:\/\/\S+$/, "must be one address that starts with postgres:// or postgresql://");

/** A secret goes into a header as it is, so whitespace in it can only be a slip of the clipboard. */
const secret = z.string().regex(/^[\x21-\x7e]+$/, "must be one word: no spaces, no line breaks");

/** HS256 wants a key as long as its hash (RFC 7518, 3.2). */
const signingSecret = secret.refine((text) => text.length >= 32, "must have at least 32 characters");

/** Origins of web pages, comma-separated: scheme, host and port, without a path. */
const origins = z.string().transform((text, context) => {
  const list = text.split(",").flatMap((item) => (item.trim() === "" ? [] : [item.trim()]));
  for (const item of list) {
    if (!URL.canParse(item) || new URL(item).origin !== item) {
      context.addIssue({ code: "custom", message: "must be origins such as https://app.example.com, comma-separated" });
      return z.NEVER;
    }
  }
  return list;
});

/** Addresses and ranges of proxies, comma-separated. Nothing wider than a range: who may be anybody can lie about everybody. */
const proxies = z.string().transform((text, context) => {
  const list = text.split(",").flatMap((item) => (item.trim() === "" ? [] : [item.trim()]));
  for (const item of list) {
    const [address = "", length, ...rest] = item.split("/");
    const bits = isIP(address) === 6 ? 128 : 32;
    const isRange = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) >= 1 && Number(length) <= bits);
    if (isIP(address) === 0 || !isRange || rest.length > 0) {
      context.addIssue({ code: "custom", message: "must be addresses or ranges such as 10.0.0.0/8, comma-separated" });
      return z.NEVER;
    }
  }
  return list;
});

const encryptionKeys = z.string().superRefine((text, context) => {
  try {
    parseEncryptionKeys(text);
  } catch (error) {
    if (!(error instanceof EncryptionKeysError)) throw error;
    for (const message of error.problems) context.addIssue({ code: "custom", message });
  }
});

const serviceTokens = z.string().superRefine((text, context) => {
  try {
    parseServiceTokens(text);
  } catch (error) {
    if (!(error instanceof ServiceTokensError)) throw error;
    for (const message of error.problems) context.addIssue({ code: "custom", message });
  }
});

const vapidKey = (problemOf: (text: string) => string | null) =>
  z.string().superRefine((text, context) => {
    const message = problemOf(text);
    if (message !== null) context.addIssue({ code: "custom", message });
  });

/** For each variable, a value that would be accepted; a secret's is a placeholder. */
const examples = z.registry<{ example: string }>();

/** Every variable, in the order of .env.example. Later ones are added here and there: nothing else lists them. */
const schema = z.object({
  PORT: wholeNumber(0, 65_535).prefault("4100").register(examples, { example: "4100" }),
  TIDEMARK_DATA: z.string().default(".tidemark").register(examples, { example: ".tidemark" }),
  LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
      error: "must be one of fatal, error, warn, info, debug, trace, silent",
    })
    .default("info")
    .register(examples, { example: "info" }),
  DATABASE_URL: databaseUrl
    .optional()
    .register(examples, { example: "postgres://tidemark:PASSWORD@localhost:5432/app" }),
  TIDEMARK_ENCRYPTION_KEYS: encryptionKeys.optional().register(examples, { example: "2026-01:BASE64_OF_32_BYTES" }),
  TIDEMARK_SERVICE_TOKENS: serviceTokens.optional().register(examples, { example: "app:sha256:HEX_OF_ITS_HASH" }),
  JWT_SECRET: signingSecret.optional().register(examples, { example: "AT_LEAST_32_RANDOM_CHARACTERS_HERE" }),
  JWT_JWKS_URL: baseUrl
    .optional()
    .register(examples, { example: "https://YOUR_PROJECT.supabase.co/auth/v1/.well-known/jwks.json" }),
  JWT_ISSUER: z.string().optional().register(examples, { example: "https://YOUR_PROJECT.supabase.co/auth/v1" }),
  JWT_AUDIENCE: z.string().optional().register(examples, { example: "authenticated" }),
  PUBLIC_URL: baseUrl.optional().register(examples, { example: "https://sync.example.com" }),
  APP_DEEP_LINK_BASE: appLinkBase.optional().register(examples, { example: "budget://" }),
  SIGN_IN_URL: baseUrl.optional().register(examples, { example: "https://app.example.com/accounts" }),
  CORS_ORIGINS: origins.prefault("").register(examples, { example: "https://app.example.com" }),
  TRUSTED_PROXIES: proxies.prefault("").register(examples, { example: "10.0.0.0/8" }),
  GRAPHQL_INTROSPECTION: z
    .enum(["0", "1"], { error: "must be 0 or 1" })
    .optional()
    .register(examples, { example: "1" }),
  TIDEMARK_METRICS_PORT: wholeNumber(0, 65_535).optional().register(examples, { example: "9464" }),
  TIDEMARK_METRICS_TOKENS: serviceTokens
    .optional()
    .register(examples, { example: "prometheus:sha256:HEX_OF_ITS_HASH" }),
  NODE_ENV: z
    .enum(["production", "development", "test"], { error: "must be one of production, development, test" })
    .default("production")
    .register(examples, { example: "production" }),
  MONO_BASE_URL: baseUrl
    .prefault("https://api.withmono.com")
    .register(examples, { example: "https://api.withmono.com" }),
  MONO_SECRET_KEY: secret.optional().register(examples, { example: "live_sk_YOUR_KEY" }),
  MONO_WEBHOOK_SECRET: secret.optional().register(examples, { example: "YOUR_WEBHOOK_SECRET" }),
  MOMO_BASE_URL: baseUrl
    .prefault("https://sandbox.momodeveloper.mtn.com")
    .register(examples, { example: "https://sandbox.momodeveloper.mtn.com" }),
  MOMO_TARGET_ENVIRONMENT: z
    .string()
    .regex(/^[a-z]{2,40}$/, "must be lower-case letters only, as MTN writes it")
    .default("sandbox")
    .register(examples, { example: "mtnghana" }),
  MOMO_SUBSCRIPTION_KEY: secret.optional().register(examples, { example: "YOUR_32_HEX_DIGITS" }),
  MOMO_API_KEY: secret.optional().register(examples, { example: "YOUR_32_HEX_DIGITS" }),
  MADAPI_BASE_URL: baseUrl.optional().register(examples, { example: "https://api.mtn.com" }),
  MADAPI_CLIENT_ID: secret.optional().register(examples, { example: "YOUR_CONSUMER_KEY" }),
  MADAPI_CLIENT_SECRET: secret.optional().register(examples, { example: "YOUR_CONSUMER_SECRET" }),
  MADAPI_API_KEY: secret.optional().register(examples, { example: "YOUR_API_KEY" }),
  MADAPI_MSISDN: z
    .string()
    .regex(/^\d{7,15}$/, "must be the country code and the number, digits only")
    .optional()
    .register(examples, { example: "256770000000" }),
  ONESIGNAL_BASE_URL: baseUrl
    .prefault("https://api.onesignal.com")
    .register(examples, { example: "https://api.onesignal.com" }),
  ONESIGNAL_APP_ID: z
    .guid({ error: "must be a UUID" })
    .optional()
    .register(examples, { example: "00000000-0000-0000-0000-000000000000" }),
  ONESIGNAL_API_KEY: secret.optional().register(examples, { example: "os_v2_app_YOUR_KEY" }),
  VAPID_PUBLIC_KEY: vapidKey(problemOfVapidPublicKey)
    .optional()
    .register(examples, { example: "BASE64URL_OF_65_BYTES" }),
  VAPID_PRIVATE_KEY: vapidKey(problemOfVapidPrivateKey)
    .optional()
    .register(examples, { example: "BASE64URL_OF_32_BYTES" }),
  VAPID_SUBJECT: z
    .string()
    .regex(/^(?:mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, "must be mailto: and an address, or an https:// page")
    .optional()
    .register(examples, { example: "mailto:operations@example.com" }),
});

/** Each is of use only with the others. */
const groups: readonly (readonly VariableName[])[] = [
  ["ONESIGNAL_APP_ID", "ONESIGNAL_API_KEY"],
  ["VAPID_PUBLIC_KEY", "VAPID_PRIVATE_KEY", "VAPID_SUBJECT"],
];

/** What every process starts from. Defaults are filled in; a variable that is absent here was not set. */
export type Environment = z.infer<typeof schema>;

type VariableName = keyof Environment;

const isVariableName = (name: string): name is VariableName => Object.hasOwn(schema.shape, name);

/** All variables, in the order of .env.example. */
export const variableNames: readonly VariableName[] = Object.keys(schema.shape).filter(isVariableName);

/** One variable and what is wrong with it. Never holds a value. */
export type EnvironmentProblem = { variable: string; problem: string };

/** The environment cannot be used. The message is a block for people to read: one line per problem. */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError";
  readonly problems: readonly EnvironmentProblem[];

  constructor(problems: readonly EnvironmentProblem[], options?: ErrorOptions) {
    const width = Math.max(...problems.map(({ variable }) => variable.length));
    const heading = problems.length === 1 ? "The environment has a problem:" : "The environment has problems:";
    const lines = problems.map(({ variable, problem }) => `  ${variable.padEnd(width)}  ${problem}`);
    super([heading, ...lines].join("\n"), options);
    this.problems = problems;
  }
}

/** Parses variables, from wherever they came. Throws EnvironmentError with every problem there is. */
export const parseEnvironment = (env: Record<string, string | undefined>): Environment => {
  const set: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && value !== "") set[name] = value;
  const parsed = schema.safeParse(set);
  const problems = [
    ...(parsed.error?.issues ?? []).map(problemOfIssue),
    ...incompleteGroups(set),
    ...(parsed.success ? strangersAmongKeys(parsed.data) : []),
    ...unknownVariables(set),
  ];
  if (!parsed.success || problems.length > 0) throw new EnvironmentError(problems);
  return parsed.data;
};

/**
 * Parses the environment of this process together with the file `.env` of the working directory, if there is one. A
 * variable that the process has, even an empty one, wins over the file's: empty is how to switch one off for once.
 * Throws EnvironmentError, also when the file is there but cannot be read.
 */
export const loadEnvironment = (directory = process.cwd(), env = process.env): Environment =>
  parseEnvironment({ ...readEnvironmentFile(join(directory, ".env")), ...env });

const readEnvironmentFile = (path: string): Record<string, string | undefined> => {
  try {
    return parseEnv(readFileSync(path, "utf8"));
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    if (error.code === "ENOENT") return {};
    throw new EnvironmentError([{ variable: ".env", problem: `cannot be read (${String(error.code)})` }], {
      cause: error,
    });
  }
};

const problemOfIssue = ({ path: [name], message }: z.core.$ZodIssue): EnvironmentProblem => {
  const variable = String(name);
  const example = isVariableName(variable) ? examples.get(schema.shape[variable])?.example : undefined;
  return { variable, problem: example === undefined ? message : `${message}; example: ${variable}=${example}` };
};

/** Half a set-up would be taken for none, and nobody would be told anything. */
const incompleteGroups = (set: Record<string, string>): EnvironmentProblem[] =>
  groups.flatMap((group) => {
    const missing = group.filter((name) => !Object.hasOwn(set, name));
    if (missing.length === group.length) return [];
    const others = group.filter((name) => Object.hasOwn(set, name)).join(" and ");
    return missing.map((variable) => ({ variable, problem: `is not set, but ${others} is: set all of them or none` }));
  });

const strangersAmongKeys = (environment: Environment): EnvironmentProblem[] => {
  const { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey } = environment;
  if (publicKey === undefined || privateKey === undefined || areVapidKeysAPair(publicKey, privateKey)) return [];
  return [{ variable: "VAPID_PUBLIC_KEY", problem: "is not the public key of VAPID_PRIVATE_KEY" }];
};

/** Names that begin like this are ours, so one that we do not know is a mistake and not somebody else's variable. */
const prefixes = ["TIDEMARK_", "MONO_", "MOMO_", "MADAPI_", "ONESIGNAL_", "VAPID_"];

const unknownVariables = (set: Record<string, string>): EnvironmentProblem[] =>
  Object.entries(set).flatMap(([variable, value]) => {
    if (isVariableName(variable) || isServiceLink(variable, value)) return [];
    const upper = variable.toUpperCase();
    const prefix = prefixes.find((ours) => upper.startsWith(ours));
    const nearest = nearestVariable(upper);

    if (prefix === undefined) {
      // DATABSE_URL would quietly mean "use the embedded database". Short names have too many innocent neighbours.
      const slip = nearest.distance <= 2 && nearest.name.length >= 8 && !Object.hasOwn(set, nearest.name);
      return slip ? [{ variable, problem: `is unknown: did you mean ${nearest.name}?` }] : [];
    }
    if (nearest.distance <= Math.max(2, Math.floor(upper.length / 4))) {
      return [{ variable, problem: `is unknown: did you mean ${nearest.name}?` }];
    }
    const siblings = variableNames.filter((name) => name.startsWith(prefix)).join(", ");
    return [{ variable, problem: `is unknown: the variables that begin with ${prefix} are ${siblings}` }];
  });

const nearestVariable = (name: string): { name: VariableName; distance: number } =>
  variableNames
    .map((candidate) => ({ name: candidate, distance: distance(name, candidate) }))
    .reduce((best, candidate) => (candidate.distance < best.distance ? candidate : best));

/**
 * Kubernetes puts variables such as TIDEMARK_SERVICE_HOST and TIDEMARK_PORT=tcp://… into every pod that lives beside a
 * service named tidemark (or mono, or momo). They are nobody's typo.
 */
const isServiceLink = (name: string, value: string): boolean =>
  /_SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)$/.test(name) ||
  /_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/.test(name) ||
  (name.endsWith("_PORT") && /^(?:tcp|udp|sctp):\/\//.test(value));
