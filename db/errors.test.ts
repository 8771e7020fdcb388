import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { DatabaseError } from "pg";
import { codeOf, describeCode, errorCatalogue } from "./errors.ts";

const read = (path: string): Promise<string> => readFile(join(import.meta.dirname, path), "utf8");

/** Codes of our own that the SQL raises. Those that begin with a digit are PostgreSQL's. */
const raisedInSql = async (): Promise<string[]> => {
  const codes = new Set<string>();
  for await (const path of glob("**/*.sql", { cwd: import.meta.dirname })) {
    for (const [, code = ""] of (await read(path)).matchAll(/errcode\s*=\s*'([A-Z][A-Z0-9]{4})'/gi)) codes.add(code);
  }
  return [...codes].toSorted();
};

test("SQL raises exactly the codes that the catalogue says it raises", async (t) => {
  const catalogued = errorCatalogue.filter(({ raisedBy }) => raisedBy === "sql").map(({ code }) => code);
  t.deepEqual(
    await raisedInSql(),
    catalogued,
    "compare db/**/*.sql with db/errors.ts, and see db/ERRORS.md, Adding one",
  );
});

test("db/ERRORS.md tells the catalogue, row by row and in its order", async (t) => {
  const rows = (await read("ERRORS.md")).matchAll(/^\| `(\w{5})` +\| (\d{3}) +\| (\w+) +\| (.+?) +\|$/gm);
  t.deepEqual(
    [...rows].map(([, code, httpStatus, raisedBy, meaning]) => ({
      code,
      httpStatus: Number(httpStatus),
      raisedBy,
      meaning,
    })),
    errorCatalogue.map(({ code, httpStatus, raisedBy, meaning }) => ({ code, httpStatus, raisedBy, meaning })),
  );
});

test("codes are in order, and those that SQL raises are free for us to use", (t) => {
  const codes = errorCatalogue.map(({ code }) => code);
  t.deepEqual(codes, codes.toSorted());
  for (const { code, raisedBy } of errorCatalogue) {
    t.regex(code, /^[A-Z]{5}$/);
    if (raisedBy === "sql") t.regex(code, /^(?!P0|XX)[I-Z]/);
  }
});

const databaseError = (code: string): DatabaseError =>
  Object.assign(new DatabaseError("account not found", 0, "error"), { code });

test("codeOf finds our code in a database error, in an error of ours, and through causes", (t) => {
  t.is(codeOf(databaseError("NTFND")), "NTFND");
  t.is(codeOf(Object.assign(new Error("sealed with another key"), { code: "CREDX" })), "CREDX");
  t.is(codeOf(new Error("outer", { cause: new Error("inner", { cause: databaseError("SETNV") }) })), "SETNV");
});

test("codeOf answers null for everything else", (t) => {
  t.is(codeOf(databaseError("23505")), null);
  t.is(codeOf(Object.assign(new Error("refused"), { code: "ECONNREFUSED" })), null);
  t.is(codeOf(Object.assign(new Error("odd"), { code: "toString" })), null);
  t.is(codeOf({ code: "NTFND" }), null);
  t.is(codeOf("NTFND"), null);
  t.is(codeOf(undefined), null);
  const circle = new Error("circle");
  circle.cause = circle;
  t.is(codeOf(circle), null);
});

test("describeCode answers what the catalogue holds", (t) => {
  t.deepEqual(describeCode("NTFND"), {
    code: "NTFND",
    meaning: "not found, or not yours",
    httpStatus: 404,
    raisedBy: "sql",
  });
});
