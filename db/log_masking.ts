/**
 * What may appear in a log line. Text that passes through here keeps what an operator needs to find the case again
 * (UUIDs, moments, error codes, addresses) and loses what a log must never hold (keys, tokens, passwords, e-mail
 * addresses, account and phone numbers).
 *
 * It is the second lock, not the first: messages are written without such things, and providers' text is redacted
 * where it comes in. But a parser's error quotes what it could not parse, and a driver's quotes the row.
 */

const MASK = "***";
const LONGEST_TEXT = 500;
const DEEPEST = 4;
const LONGEST_LIST = 50;
const MOST_FRAMES = 10;

/**
 * UUIDs, days and moments, and graphile-worker's ids of a pool and of a worker (nine random bytes), by which its lines are found.
 * They are set aside first, because they look like tokens and telephone numbers.
 */
const KEPT =
  /\b([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:(?:ot)?pool|worker)-[0-9a-f]{18}|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?)\b/i;
const CREDENTIALS_IN_URL = /(:\/\/)[^\s/@]*@/g;
const AFTER_SCHEME = /\b(bearer|basic)\s+[^\s"',;]+/gi;
const MONO_KEY = /\b(?:test|live)_[a-z]{2}_[^\s"',;]+/gi;
const EMAIL = /[^\s"'<>,;:@/]+@[^\s"'<>,;:@/]+\.[a-z]{2,}/gi;
/** Thirty-two unbroken characters and more, a digit among them: keys, tokens, base64. */
const TOKEN = /(?=[a-z_+/=-]*\d)[a-z0-9_+/=-]{32,}/gi;
/** Eight digits and more, also in groups: bank accounts have ten, phone numbers nine and up. */
const DIGITS = /\+?\d(?:[ -]?\d){7,}/g;

/**
 * What every run logs: words with single blanks between them, a short number, a UUID. The rules below leave such text as it is,
 * which a test holds them to.
 */
const HARMLESS =
  /^(?:(?!bearer\b|basic\b)[a-z]{1,40}(?: (?!bearer\b|basic\b)[a-z]{1,40}){0,9}|\d{1,7}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

/** Masks what a log must not hold, makes it one line, and cuts it to 500 characters. */
export const maskText = (text: string): string => (HARMLESS.test(text) ? text : maskByRules(text));

/** The rules themselves. */
export const maskByRules = (text: string): string => {
  const masked = text
    // Cut first, generously: a page of a megabyte need not be searched for 500 characters.
    .slice(0, LONGEST_TEXT * 4)
    .replaceAll(CREDENTIALS_IN_URL, `$1${MASK}@`)
    .replaceAll(AFTER_SCHEME, `$1 ${MASK}`)
    .replaceAll(MONO_KEY, MASK)
    .replaceAll(EMAIL, MASK)
    .split(KEPT)
    // Split by a pattern with one group, the kept parts are those at odd places.
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll(TOKEN, MASK).replaceAll(DIGITS, MASK)))
    .join("")
    .replaceAll(/\s+/g, " ")
    .trim();
  return masked.length <= LONGEST_TEXT ? masked : `${masked.slice(0, LONGEST_TEXT - 1).toWellFormed()}…`;
};

/** What is left of an error: no property that a library may have added, no row, no request, no header. */
export type LoggedError = {
  name: string;
  message: string;
  code?: string | number;
  /** Places only: a stack's first lines repeat the message. */
  stack?: string;
  cause?: LoggedError;
};

/** Turns whatever was thrown into what may be logged, its causes included. */
export const describeError = (error: unknown, depth = 0): LoggedError => {
  if (!(error instanceof Error)) return { name: typeof error, message: "something that is no Error was thrown" };
  const described: LoggedError = { name: error.name, message: maskText(error.message) };
  if ("code" in error && (typeof error.code === "string" || typeof error.code === "number")) {
    described.code = typeof error.code === "string" ? maskText(error.code) : error.code;
  }
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  if (frames.length > 0) described.stack = frames.slice(0, MOST_FRAMES).join("\n");
  if (error.cause !== undefined && depth < DEEPEST) described.cause = describeError(error.cause, depth + 1);
  return described;
};

const SECRET_NAME =
  /secret|password|passphrase|authorization|cookie|token$|(?:api|subscription|private|encryption)_?keys?$|credential|sealed|msisdn|phone|account_?number|narration|email/i;

/** The fields of a log line as they may be written: masked by name, by content, and cut in depth and length. */
export const maskFields = (fields: object, depth = 0): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, SECRET_NAME.test(name) ? MASK : maskValue(value, depth)]),
  );

const maskValue = (value: unknown, depth: number): unknown => {
  if (typeof value === "string") return maskText(value);
  // Money may come as one, and JSON would make it a float.
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function" || typeof value === "symbol") return `[${typeof value}]`;
  return typeof value === "object" && value !== null ? maskObject(value, depth) : value;
};

const maskObject = (value: object, depth: number): unknown => {
  if (value instanceof Error) return describeError(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= DEEPEST) return "[deeper]";
  if (Array.isArray(value)) return value.slice(0, LONGEST_LIST).map((item: unknown) => maskValue(item, depth + 1));
  return maskFields(value, depth + 1);
};
