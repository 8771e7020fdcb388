import { execFile } from "node:child_process";
import test from "ava";
import { startMomoSimulator } from "./simulators/momo/simulator.ts";
import { startMonoSimulator } from "./simulators/mono/simulator.ts";

/** Runs the script as npm would, with no variable but those given. */
function contract(provider: string, variables: Record<string, string> = {}) {
  const env = { PATH: process.env["PATH"], MONO_SECRET_KEY: "", MOMO_SUBSCRIPTION_KEY: "", ...variables };
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const child = execFile(process.execPath, ["scripts/contract.ts", provider], { env }, (_error, out, err) => {
      resolve({ code: child.exitCode ?? -1, out, err });
    });
  });
}

test("without keys it says what is missing, in one sentence", async (t) => {
  for (const [provider, named] of [
    ["mono", "CONTRACT_MONO_ACCOUNT"],
    ["mtn_momo", "CONTRACT_MOMO_API_KEY"],
  ] as const) {
    const { code, out, err } = await contract(provider);
    t.is(code, 2);
    t.is(out, "");
    t.regex(err, new RegExp(`^[^\n]*${named}[^\n]*\\.\n$`));
  }
});

test("Mono's simulator keeps the contract, and a wrong key is noticed", async (t) => {
  const simulator = await startMonoSimulator({ seed: "contract", secretKey: "test_sk_contract_key_1" });
  t.teardown(() => simulator.close());
  const variables = {
    MONO_BASE_URL: simulator.url,
    MONO_SECRET_KEY: simulator.secretKey,
    CONTRACT_MONO_ACCOUNT: simulator.createAccount(),
  };
  const { code, out, err } = await contract("mono", variables);
  t.is(code, 0, out + err);
  t.is(out.match(/✔/g)?.length, 5);
  simulator.addFault({ kind: "500", match: { path: "/transactions" } });
  t.is((await contract("mono", variables)).code, 1);
});

test("MoMo's simulator keeps the contract", async (t) => {
  const simulator = await startMomoSimulator({ seed: "contract" });
  t.teardown(() => simulator.close());
  const wallet = simulator.createWallet();
  const { code, out, err } = await contract("mtn_momo", {
    MOMO_BASE_URL: wallet.baseUrl,
    MOMO_SUBSCRIPTION_KEY: wallet.subscriptionKey,
    CONTRACT_MOMO_API_USER: wallet.apiUser,
    CONTRACT_MOMO_API_KEY: wallet.apiKey,
  });
  t.is(code, 0, out + err);
});
