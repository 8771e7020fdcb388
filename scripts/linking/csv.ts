import { CsvError, parse } from "csv-parse/sync";
import { closest, distance } from "fastest-levenshtein";
import { UsageError } from "../usage.ts";
import { fieldEntries, type FieldName, fieldNames, type LinkFields, parseFields } from "./fields.ts";
import { allSecretKinds, type SecretKind, statementKinds } from "./secrets.ts";

/** One account of the file, or why its line is refused: sentences that repeat no value. */
export type CsvLine = { line: number } & (
  | { ok: true; fields: LinkFields; secretVariables: Partial<Record<SecretKind, string>> }
  | { ok: false; problems: string[] }
);

const fieldOfColumn = new Map(fieldEntries.map(([name, { column }]) => [column, name]));

/** A column names the environment variable which holds the secret of its kind. */
const secretOfColumn = new Map(allSecretKinds.map((kind) => [`${kind}_env`, kind]));

/** Every column that a file may have, in the order of --help. */
export const csvColumns: readonly string[] = [...fieldOfColumn.keys(), ...secretOfColumn.keys()];

const REQUIRED = ["platform", "user_id", "account_name"];

/**
 * The accounts of a CSV file whose first row names the columns. A bad line costs itself only; what makes the whole file
 * unreadable (its header, a quote that is never closed) throws UsageError.
 */
export function readCsv(text: string): CsvLine[] {
  const [header, ...records] = recordsOf(text);
  if (header === undefined) throw new UsageError("The CSV file is empty; its first row must name the columns.");
  const columns = header.cells.map((cell) => cell.toLowerCase());
  checkHeader(columns);
  return records.map(({ line, cells }) => readLine(line, columns, cells));
}

type CsvRecord = { line: number; cells: string[] };

function recordsOf(text: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  let endOfLast = 0;
  try {
    parse(text, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      // Lines are judged one by one, by us.
      relax_column_count: true,
      on_record: (cells: string[], { lines }) => {
        records.push({ line: lines, cells });
        endOfLast = lines;
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    // The library's own message quotes the file.
    throw new UsageError(
      `The CSV file cannot be read after line ${endOfLast} (${error.code}); is a quote missing there? Nothing was linked.`,
      { cause: error },
    );
  }
  return records;
}

function checkHeader(columns: string[]): void {
  const problems: string[] = [];
  for (const [index, column] of columns.entries()) {
    if (columns.indexOf(column) < index) problems.push(`the column ${column} comes twice`);
    if (csvColumns.includes(column)) continue;
    if (csvColumns.includes(`${column}_env`)) {
      problems.push(`secrets do not belong in a file: ${column}_env names an environment variable that holds it`);
    } else {
      const nearest = closest(column, [...csvColumns]);
      problems.push(
        distance(column, nearest) <= 3
          ? `column ${index + 1} is unknown: did you mean ${nearest}?`
          : `column ${index + 1} is unknown; \`npm run link -- --help\` lists the columns`,
      );
    }
  }
  for (const column of REQUIRED) if (!columns.includes(column)) problems.push(`the column ${column} is missing`);
  if (problems.length > 0) {
    throw new UsageError(`The first row of the CSV file must name its columns: ${problems.join("; ")}.`);
  }
}

function readLine(line: number, columns: string[], cells: string[]): CsvLine {
  if (cells.length !== columns.length) {
    return { line, ok: false, problems: [`it has ${cells.length} cells, and the first row ${columns.length}`] };
  }
  const said: Partial<Record<FieldName, string>> = {};
  const secretVariables: Partial<Record<SecretKind, string>> = {};
  const problems: string[] = [];
  for (const [index, column] of columns.entries()) {
    const cell = cells[index] ?? "";
    if (cell === "") continue;
    const field = fieldOfColumn.get(column);
    if (field !== undefined) said[field] = cell;
    const kind = secretOfColumn.get(column);
    if (kind === undefined) continue;
    secretVariables[kind] = cell;
    if (!/^[A-Z][A-Z0-9_]*$/.test(cell))
      problems.push(`${column} must name an environment variable: capitals, digits and underscores`);
  }

  const parsed = parseFields(said, (name) => fieldNames[name].column);
  if (!parsed.ok) return { line, ok: false, problems: [...parsed.problems, ...problems] };
  problems.push(...problemsOfSecrets(parsed.fields, secretVariables));
  if (problems.length > 0) return { line, ok: false, problems };
  return { line, ok: true, fields: parsed.fields, secretVariables };
}

function problemsOfSecrets({ platform }: LinkFields, named: Partial<Record<SecretKind, string>>): string[] {
  if (platform === "mono") {
    return Object.keys(named).map((kind) => `${kind}_env does not belong to mono`);
  }
  const needed = statementKinds.some((kind) => named[kind] !== undefined)
    ? (["momo_api_key", ...statementKinds] as const)
    : (["momo_api_key"] as const);
  return needed.filter((kind) => named[kind] === undefined).map((kind) => `${kind}_env is missing`);
}
