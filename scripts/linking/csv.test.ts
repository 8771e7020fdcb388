import test from "ava";
import { UsageError } from "../usage.ts";
import { csvColumns, type CsvLine, readCsv } from "./csv.ts";

const user = "a0000000-0000-4000-8000-000000000001";
const wallet = "0f6bb2ed-5f38-4f8c-8a4c-6a2f2d1b7b11";
const header = "platform,user_id,account_name,mono_account_id,currency";

const problemsOf = (lines: CsvLine[]) => lines.map((line) => (line.ok ? [] : line.problems));

test("good lines, with the number that an editor shows, whatever the quoting", (t) => {
  const text = [
    `\uFEFF${header}`,
    `mono,${user},Everyday,697926f050b9c321c1451dda,NGN`,
    "",
    `mono,${user},"Shop, ""Lagos""",697926f050b9c321c1451ddb , NGN`,
    `"mono",${user},Salary,697926f050b9c321c1451ddc,`,
  ].join("\r\n");
  const lines = readCsv(text);
  t.deepEqual(
    lines.map(({ line }) => line),
    [2, 4, 5],
  );
  t.deepEqual(
    lines.map((line) => line.ok && line.fields.accountName),
    ["Everyday", 'Shop, "Lagos"', "Salary"],
  );
  t.like(lines[1], { ok: true, fields: { monoAccountId: "697926f050b9c321c1451ddb", currency: "NGN" } });
  t.false(lines[2]?.ok === true && "currency" in lines[2].fields);
});

test("columns come in any order and case; the rest of them may be absent", (t) => {
  const [line] = readCsv(`Mono_Account_ID,ACCOUNT_NAME,user_id,platform,history_days\nabc123,Everyday,${user},mono,30`);
  t.deepEqual(line, {
    line: 2,
    ok: true,
    fields: { platform: "mono", userId: user, accountName: "Everyday", monoAccountId: "abc123", historyDays: 30 },
    secretVariables: {},
  });
});

test("a bad line says what is wrong by its columns, repeats no value, and costs only itself", (t) => {
  const lines = readCsv(
    [
      header,
      `mono,${user},Everyday,abc1,NGN`,
      `bank,${user},Everyday,abc2,NGN`,
      `,${user},Everyday,abc2,NGN`,
      "mono,somebody,,abc 3,naira",
      `mono,${user},Everyday,abc4`,
      `mono,${user},Everyday,abc5,NGN,`,
      `mtn_momo,${user},Till,abc6,UGX`,
      `mono,${user},Everyday,abc7,NGN`,
    ].join("\n"),
  );
  t.deepEqual(problemsOf(lines), [
    [],
    ["platform must be mono or mtn_momo"],
    ["platform is missing"],
    [
      "user_id must be a UUID",
      "account_name is missing",
      "currency must be three capital letters, as in ISO 4217",
      "mono_account_id must be the id that Mono gave the account",
    ],
    ["it has 4 cells, and the first row 5"],
    ["it has 6 cells, and the first row 5"],
    ["mtn_reference_id is missing", "mono_account_id does not belong to mtn_momo"],
    [],
  ]);
});

test("a wallet names the variables of its secrets, all of a statement's or none", (t) => {
  const columns =
    "platform,user_id,account_name,mtn_reference_id,momo_api_key_env,madapi_client_id_env,madapi_client_secret_env,madapi_api_key_env,msisdn_env";
  const lines = readCsv(
    [
      columns,
      `mtn_momo,${user},Till,${wallet},WALLET_1_KEY,,,,`,
      `mtn_momo,${user},Till,${wallet},WALLET_1_KEY,W1_ID,W1_SECRET,W1_API,W1_PHONE`,
      `mtn_momo,${user},Till,${wallet},,,,,`,
      `mtn_momo,${user},Till,${wallet},WALLET_1_KEY,W1_ID,,,`,
      `mtn_momo,${user},Till,${wallet},0123456789abcdef0123456789abcdef,,,,`,
      `mono,${user},Bank,,WALLET_1_KEY,,,,`,
    ].join("\n"),
  );
  t.like(lines[0], { ok: true, secretVariables: { momo_api_key: "WALLET_1_KEY" } });
  t.like(lines[1], { ok: true, secretVariables: { momo_api_key: "WALLET_1_KEY", msisdn: "W1_PHONE" } });
  t.deepEqual(problemsOf(lines).slice(2), [
    ["momo_api_key_env is missing"],
    ["madapi_client_secret_env is missing", "madapi_api_key_env is missing", "msisdn_env is missing"],
    ["momo_api_key_env must name an environment variable: capitals, digits and underscores"],
    ["mono_account_id is missing"],
  ]);
});

const unreadable: [what: string, text: string, message: RegExp][] = [
  ["nothing", "", /is empty/],
  ["no header", `mono,${user},Everyday,abc,NGN`, /column 1 is unknown/],
  ["a typo in the header", "platfrom,user_id,account_name", /did you mean platform\?/],
  ["a column twice", "platform,user_id,account_name,platform", /the column platform comes twice/],
  ["a column of secrets", "platform,user_id,account_name,momo_api_key", /secrets do not belong in a file/],
  ["a needed column missing", "platform,user_id", /the column account_name is missing/],
  ["a quote that never ends", `${header}\nmono,${user},"Everyday,abc,NGN\nmono,,,,`, /after line 1 \(CSV_/],
];
for (const [what, text, message] of unreadable) {
  test(`a file with ${what} is refused whole`, (t) => {
    const error = t.throws(() => readCsv(text), { instanceOf: UsageError, message });
    t.notRegex(error?.message ?? "", /Everyday|a0000000/);
  });
}

test("a file of accounts has no column for a secret itself", (t) => {
  t.true(csvColumns.includes("momo_api_key_env"));
  t.deepEqual(
    csvColumns.filter((column) => /key|secret/.test(column) && !column.endsWith("_env") && column !== "login_key"),
    [],
  );
});
