import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { z } from "zod";
import { rowOf, rowsOf, valueOf } from "../db/testing/ask.ts";
import { canarySecret } from "../db/testing/canaries/catalogue.ts";
import { type ClonedDb, withClonedDb } from "../db/testing/database.ts";
import { parseKeyring } from "../tasks/@credentials/keyring.ts";
import { open } from "../tasks/@credentials/seal.ts";
import { writeConnection } from "./connection.ts";
import { readOrCreateDemoKeys } from "./demo_keys.ts";
import { type MonoSimulator, startMonoSimulator } from "./simulators/mono/simulator.ts";

const keys = `test:${canarySecret("base64")}`;
const user = "a0000000-0000-4000-8000-000000000001";
const apiKey = "fedcba9876543210fedcba9876543210";

type Ended = { code: number; stdout: string; stderr: string };

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-link-"));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

/** Runs the command as people do, on the test's database. */
async function runLink(
  t: ExecutionContext,
  cloned: ClonedDb,
  args: string[],
  variables: Record<string, string> = {},
): Promise<Ended> {
  const folder = await folderOf(t);
  const env = {
    PATH: process.env["PATH"],
    DATABASE_URL: cloned.url,
    TIDEMARK_ENCRYPTION_KEYS: keys,
    TIDEMARK_DATA: folder,
    ...variables,
  };
  const ended = await new Promise<Ended>((resolve) => {
    const script = join(import.meta.dirname, "link.ts");
    const child = execFile(process.execPath, [script, ...args], { env, cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
    child.stdin?.end();
  });
  t.false(`${ended.stdout}${ended.stderr}`.includes(apiKey), "no secret is ever shown");
  return ended;
}

/** What a user does in Mono's widget; answers the code that the app gets. */
async function connectAtMono(mono: MonoSimulator): Promise<string> {
  const response = await fetch(`${mono.url}/v2/accounts/initiate`, {
    method: "POST",
    headers: { "mono-sec-key": mono.secretKey, "content-type": "application/json" },
    body: JSON.stringify({
      customer: { name: "Ada", email: "ada@example.com" },
      scope: "auth",
      redirect_url: "https://app.example/linked",
    }),
  });
  const { data } = z.object({ data: z.object({ mono_url: z.url() }) }).parse(await response.json());
  return mono.completeConnect(data.mono_url.slice(data.mono_url.lastIndexOf("/") + 1), { perWeek: 0 });
}

const bank = ["--platform", "mono", "--user", user, "--name", "Everyday", "--currency", "NGN"];
const wallet = ["--platform", "mtn_momo", "--user", user, "--name", "Till"];
const linkedId = ({ stdout }: Ended): string => /account ([0-9a-f-]{36})/.exec(stdout)?.[1] ?? stdout;

test(
  "a bank account is linked, and its first sync is queued",
  withClonedDb(async (t, cloned) => {
    const ended = await runLink(t, cloned, [
      ...bank,
      "--mono-account",
      "697926f050b9c321c1451dda",
      "--history-days",
      "30",
    ]);
    t.is(ended.code, 0, ended.stderr);
    const owner = await cloned.connect("app_owner");
    t.like(await rowOf(owner, "select * from app_public.accounts"), {
      id: linkedId(ended),
      user_id: user,
      account_name: "Everyday",
      currency: "NGN",
      mono_account_id: "697926f050b9c321c1451dda",
    });
    t.is(await valueOf(owner, "select task_identifier from graphile_worker.jobs"), "mono_sync");
  }),
);

test(
  "with a key, Mono is asked: the code is exchanged, currency and institution are its own, and a wrong code is told",
  withClonedDb(async (t, cloned) => {
    const mono = await startMonoSimulator({ seed: "link" });
    t.teardown(() => mono.close());
    const monoAccountId = mono.createAccount({ institution: "GTBank", name: "Ada", type: "SAVINGS_ACCOUNT" });
    const variables = { MONO_BASE_URL: mono.url, MONO_SECRET_KEY: mono.secretKey };
    const nameless = ["--platform", "mono", "--user", user, "--name", "Everyday"];

    const unknown = await runLink(t, cloned, [...nameless, "--mono-account", "697926f050b9c321c1451dda"], variables);
    t.like(unknown, { code: 2, stderr: "Mono knows no account with this id.\n" });

    const ended = await runLink(t, cloned, [...nameless, "--mono-account", monoAccountId], variables);
    t.is(ended.code, 0, ended.stderr);
    const owner = await cloned.connect("app_owner");
    t.like(
      await rowOf(owner, "select a.*, l.* from app_public.accounts a join app_private.links l on l.account_id = a.id"),
      { currency: "NGN", institution: "GTBank", institution_code: "058", mono_account_id: monoAccountId },
    );

    const code = await connectAtMono(mono);
    const byCode = await runLink(t, cloned, [...nameless, "--code", code], variables);
    t.is(byCode.code, 0, byCode.stderr);
    t.is(
      await valueOf(owner, "select mono_account_id from app_public.accounts where id = $1", [linkedId(byCode)]),
      /Mono's id of the account: (\S+)/.exec(byCode.stdout)?.[1],
    );
    const again = await runLink(t, cloned, [...nameless, "--code", code], variables);
    t.is(again.code, 2, "a code works once");

    const wrong = await runLink(t, cloned, [...nameless, "--code", "code_nobody_gave"], variables);
    t.is(wrong.code, 2);
    t.regex(wrong.stderr, /^Mono does not know this code/);
    const refused = await runLink(t, cloned, [...nameless, "--mono-account", "abc"], {
      ...variables,
      MONO_SECRET_KEY: "test_sk_wrong",
    });
    t.like(refused, { code: 2, stderr: "Mono does not accept MONO_SECRET_KEY.\n" });
  }),
);

test(
  "a wallet's secrets come from the environment, are sealed for it, and its days are its country's",
  withClonedDb(async (t, cloned) => {
    const apiUser = randomUUID();
    const args = [...wallet, "--api-user", apiUser, "--target-environment", "mtnghana", "--statement"];
    const secrets = {
      MOMO_API_KEY: apiKey,
      MADAPI_CLIENT_ID: "consumer",
      MADAPI_CLIENT_SECRET: "consumer-secret",
      MADAPI_API_KEY: "madapi",
      MADAPI_MSISDN: "233240000000",
    };
    const without = await runLink(t, cloned, args);
    t.is(without.code, 2);
    t.regex(without.stderr, /^MOMO_API_KEY is not set, and there is no terminal to ask for it/);

    const ended = await runLink(t, cloned, args, secrets);
    t.is(ended.code, 0, ended.stderr);
    const owner = await cloned.connect("app_owner");
    t.like(
      await rowOf(owner, "select a.*, l.* from app_public.accounts a join app_private.links l on l.account_id = a.id"),
      { mtn_reference_id: apiUser, currency: "GHS", target_environment: "mtnghana", time_zone: "Africa/Accra" },
    );
    const stored = z
      .array(z.object({ account_id: z.string(), kind: z.string(), key_id: z.string(), sealed: z.instanceof(Buffer) }))
      .parse(await rowsOf(owner, "select * from app_private.credentials order by kind"));
    const keyring = parseKeyring(keys);
    t.deepEqual(
      stored.map(({ account_id: accountId, kind, key_id: keyId, sealed }) => [
        kind,
        open(keyring, { accountId, kind }, { keyId, sealed }),
      ]),
      [
        ["madapi_api_key", "madapi"],
        ["madapi_client_id", "consumer"],
        ["madapi_client_secret", "consumer-secret"],
        ["momo_api_key", apiKey],
        ["msisdn", "233240000000"],
      ],
    );
    t.is(await valueOf(owner, "select source::text from app_private.coverage"), "statement");
  }),
);

test(
  "a secret among the arguments links nothing",
  withClonedDb(async (t, cloned) => {
    const ended = await runLink(t, cloned, [...wallet, "--api-user", randomUUID(), "--api-key", apiKey]);
    t.is(ended.code, 2);
    t.regex(ended.stderr, /^An argument looks like a secret/);
    const owner = await cloned.connect("app_owner");
    t.is(await valueOf(owner, "select count(*)::int from app_public.accounts"), 0);
  }),
);

test(
  "a re-link goes on with the account that is there; one that is nobody's, or somebody else's, is refused",
  withClonedDb(async (t, cloned) => {
    const id = linkedId(await runLink(t, cloned, [...bank, "--mono-account", "old"]));
    const nobody = await runLink(t, cloned, [...bank, "--mono-account", "new", "--relink", randomUUID()]);
    t.like(nobody, { code: 2, stderr: "There is no account with the id of --relink, so nothing was linked.\n" });
    const others = bank.with(bank.indexOf(user), "b0000000-0000-4000-8000-000000000002");
    const stranger = await runLink(t, cloned, [...others, "--mono-account", "new", "--relink", id]);
    t.is(stranger.code, 2);
    t.regex(stranger.stderr, /belongs to somebody else/);
    const taken = await runLink(t, cloned, [...others, "--mono-account", "old"]);
    t.like(taken, { code: 2, stderr: "This Mono account is linked already.\n" });

    const ended = await runLink(t, cloned, [...bank, "--mono-account", "new", "--relink", id]);
    t.is(ended.code, 0, ended.stderr);
    t.is(linkedId(ended), id);
    const owner = await cloned.connect("app_owner");
    t.deepEqual(await rowsOf(owner, "select id, mono_account_id from app_public.accounts"), [
      { id, mono_account_id: "new" },
    ]);
  }),
);

test(
  "a CSV file: good lines are linked, refused ones told, and a mended file can be handed in again",
  withClonedDb(async (t, cloned) => {
    const folder = await folderOf(t);
    const file = join(folder, "accounts.csv");
    const other = "b0000000-0000-4000-8000-000000000002";
    const lines = [
      "platform,user_id,account_name,mono_account_id,mtn_reference_id,currency,momo_api_key_env",
      `mono,${user},Everyday,bank-1,,NGN,`,
      `mono,${user},Shop,bank-2,,,`,
      `mono,${other},Stolen,bank-1,,NGN,`,
      `mtn_momo,${user},Till,,${randomUUID()},,WALLET_1_KEY`,
      `mtn_momo,${user},Till 2,,${randomUUID()},,WALLET_2_KEY`,
      `mtn_momo,${user},Till 3,,${randomUUID()},GHS,${apiKey}`,
    ];
    await writeFile(file, lines.join("\n"));
    const variables = { WALLET_1_KEY: apiKey };
    const first = await runLink(t, cloned, ["--csv", file], variables);
    t.is(first.code, 1);
    t.deepEqual(first.stderr.trimEnd().split("\n"), [
      "line 3: refused: The currency is missing, and without MONO_SECRET_KEY Mono cannot be asked for it.",
      "line 4: refused: This Mono account is linked already.",
      "line 6: refused: the variable that momo_api_key_env names is not set, or not one word",
      "line 7: refused: momo_api_key_env must name an environment variable: capitals, digits and underscores",
    ]);
    t.regex(first.stdout, /^line 2: linked: account \S+\nline 5: linked: account \S+\n2 linked, 4 refused\.\n$/);

    await writeFile(file, [...lines.slice(0, 2), lines[2]?.replace("bank-2,,,", "bank-2,,NGN,"), lines[4]].join("\n"));
    const second = await runLink(t, cloned, ["--csv", file], variables);
    t.is(second.code, 0, second.stderr);
    t.regex(second.stdout, /1 linked, 2 linked already, left as they are, 0 refused\.\n$/);
    const owner = await cloned.connect("app_owner");
    t.is(await valueOf(owner, "select count(*)::int from app_public.accounts"), 3);
  }),
);

test(
  "without DATABASE_URL it is the database of the npm start that runs here, with its keys",
  withClonedDb(async (t, cloned) => {
    const data = await folderOf(t);
    const nowhere = { DATABASE_URL: "", TIDEMARK_ENCRYPTION_KEYS: "", TIDEMARK_DATA: data };
    const args = [...bank, "--mono-account", "abc"];
    const nothing = await runLink(t, cloned, args, nowhere);
    t.is(nothing.code, 2);
    t.regex(nothing.stderr, /^There is no database to work on/);

    const url = "http://127.0.0.1:1";
    await writeConnection(data, { databaseUrl: cloned.url, serverUrl: url, monoUrl: url, momoUrl: url });
    const keyless = await runLink(t, cloned, args, nowhere);
    t.is(keyless.code, 2);
    t.regex(keyless.stderr, /^TIDEMARK_ENCRYPTION_KEYS is not set/);

    await readOrCreateDemoKeys(data);
    const ended = await runLink(t, cloned, args, nowhere);
    t.is(ended.code, 0, ended.stderr);
  }),
);
