/**
 * The catalogue of Tidemark's own error codes. db/ERRORS.md tells people the same, and a test compares both with what
 * the SQL raises.
 *
 * `raisedBy` sql: `raise exception … using errcode = '…'` in db/**\/*.sql, so that it reaches every caller, psql and
 * GraphQL included. `raisedBy` typescript: a class with a `code`, never raised in the database.
 */
const catalogue = {
  CREDX: { httpStatus: 500, raisedBy: "typescript", meaning: "a credential cannot be opened" },
  KEYNV: { httpStatus: 422, raisedBy: "sql", meaning: "the idempotency key is not valid" },
  KEYRE: { httpStatus: 422, raisedBy: "sql", meaning: "the idempotency key was used for another request" },
  LNKDP: { httpStatus: 409, raisedBy: "sql", meaning: "the account is already linked" },
  LNKGN: { httpStatus: 409, raisedBy: "sql", meaning: "the link was ended for good" },
  LNKNV: { httpStatus: 422, raisedBy: "sql", meaning: "the link is not valid" },
  NTFND: { httpStatus: 404, raisedBy: "sql", meaning: "not found, or not yours" },
  OPSNP: { httpStatus: 409, raisedBy: "sql", meaning: "the operation is not possible as things stand" },
  OPSNR: { httpStatus: 422, raisedBy: "sql", meaning: "the operation needs a reason" },
  PRVBS: { httpStatus: 429, raisedBy: "typescript", meaning: "the provider is asked for too much now" },
  PRVNA: { httpStatus: 503, raisedBy: "typescript", meaning: "the provider gives no answer now" },
  PSHNV: { httpStatus: 422, raisedBy: "sql", meaning: "the push subscription is not valid" },
  REFTK: { httpStatus: 409, raisedBy: "sql", meaning: "the reference is followed for another account" },
  SETNV: { httpStatus: 422, raisedBy: "sql", meaning: "the setting is not valid" },
  SYNLL: {
    httpStatus: 409,
    raisedBy: "typescript",
    meaning: "the lease was lost: somebody else writes for the account",
  },
  SYNPF: { httpStatus: 422, raisedBy: "typescript", meaning: "the account belongs to another platform than the task" },
} as const;

/** A five-character SQLSTATE of our own. */
export type ErrorCode = keyof typeof catalogue;

export type CataloguedError = {
  code: ErrorCode;
  /** Half a sentence for people, without a full stop. */
  meaning: string;
  /** What an HTTP endpoint answers. */
  httpStatus: 404 | 409 | 422 | 429 | 500 | 503;
  raisedBy: "sql" | "typescript";
};

const isErrorCode = (code: unknown): code is ErrorCode => typeof code === "string" && Object.hasOwn(catalogue, code);

/** What the catalogue says of a code. */
export const describeCode = (code: ErrorCode): CataloguedError => ({ code, ...catalogue[code] });

/** The whole catalogue, by code. */
export const errorCatalogue: readonly CataloguedError[] = Object.keys(catalogue).filter(isErrorCode).map(describeCode);

/** More causes than anybody stacks; a circle of them ends as well. */
const DEEPEST_CAUSE = 8;

/**
 * Which of our codes an error carries, itself or through its causes: a `pg` DatabaseError by the SQLSTATE that our SQL
 * raised, an error of ours by its own `code`. Null for everything else, PostgreSQL's own errors included.
 */
export const codeOf = (error: unknown): ErrorCode | null => {
  let current = error;
  for (let depth = 0; depth <= DEEPEST_CAUSE && current instanceof Error; depth += 1) {
    if ("code" in current && isErrorCode(current.code)) return current.code;
    current = current.cause;
  }
  return null;
};

/** What the error says that carries this code, and not what libraries around it say. */
export const sentenceOf = (error: unknown, code: ErrorCode): string => {
  let current = error;
  while (current instanceof Error) {
    if ("code" in current && current.code === code) return current.message;
    current = current.cause;
  }
  return `${describeCode(code).meaning}.`;
};
