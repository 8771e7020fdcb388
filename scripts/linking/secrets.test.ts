import { PassThrough } from "node:stream";
import test from "ava";
import { UsageError } from "../usage.ts";
import { refuseSecrets, walletSecrets } from "./secrets.ts";

const key = "0123456789abcdef0123456789abcdef";

const refused = [
  ["--api-key", "x"],
  ["--momo-api-key=x"],
  ["--subscription-key", "x"],
  ["--subscriptionKey", "x"],
  ["--secret-key", "x"],
  ["--madapi-client-secret", "x"],
  ["--password", "x"],
  ["--token=x"],
  ["--msisdn", "256770000000"],
  ["--name", key],
  ["--name", "live_sk_abcdef"],
  [`--name=${key.toUpperCase()}`],
  ["test_sk_abcdef"],
];
for (const args of refused) {
  test(`refused, and not repeated: ${args.join(" ")}`, (t) => {
    const error = t.throws(() => refuseSecrets(args), { instanceOf: UsageError });
    t.false(error?.message.toLowerCase().includes(key));
    t.notRegex(error?.message ?? "", /_sk_|256770000000/);
  });
}

test("what an honest command says is not refused", (t) => {
  const honest =
    "--platform mtn_momo --user a0000000-0000-4000-8000-000000000001 --name Keyshop --login-key 5f9 --statement " +
    "--api-user=0f6bb2ed-5f38-4f8c-8a4c-6a2f2d1b7b11 --mono-account 697926f050b9c321c1451dda --own-subscription-key " +
    "--code code_abcdefghijklmnop --currency NGN";
  t.notThrows(() => refuseSecrets(honest.split(" ")));
});

/** A terminal at which somebody types these lines. */
function terminalWith(typed: string) {
  const input = new PassThrough();
  const output = new PassThrough();
  let shown = "";
  output.on("data", (chunk: Buffer) => (shown += chunk.toString()));
  input.write(typed);
  return { terminal: { input, output }, shown: () => shown };
}

test("the environment is asked first, and then the person, who sees no secret", async (t) => {
  const { terminal, shown } = terminalWith(` ${key}\r`);
  const environment = { MADAPI_CLIENT_ID: "consumer" };
  t.deepEqual(await walletSecrets(["madapi_client_id", "momo_api_key"], environment, terminal), {
    madapi_client_id: "consumer",
    momo_api_key: key,
  });
  t.is(shown(), "API key of the wallet: \n");
});

test("without a variable and without a terminal, the variable is named", async (t) => {
  const error = await t.throwsAsync(walletSecrets(["momo_api_key"], {}, null), { instanceOf: UsageError });
  t.regex(error?.message ?? "", /^MOMO_API_KEY is not set, and there is no terminal/);
});

for (const [what, typed, message] of [
  ["nothing", "\r", /empty or holds spaces/],
  ["two words", "my key\r", /empty or holds spaces/],
  ["Ctrl-C", "abc\u0003", /nothing was linked/],
  ["Ctrl-D", "\u0004", /nothing was linked/],
] as const) {
  test(`typing ${what} links nothing`, async (t) => {
    const { terminal, shown } = terminalWith(typed);
    await t.throwsAsync(walletSecrets(["momo_api_key"], {}, terminal), { instanceOf: UsageError, message });
    t.notRegex(shown(), /abc|my key/);
  });
}
