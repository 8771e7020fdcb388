import test from "ava";
import { z } from "zod";
import { canariesIn } from "../../db/testing/canaries/catalogue.ts";
import { basic, call as callMomo, fetchToken, field, startStanding } from "./momo/test_client.ts";
import { call as callMono, startForTest } from "./mono/test_client.ts";
import { startOneSignalSimulator } from "./onesignal/simulator.ts";

/** What the search of everything that the suite prints and stores knows a value as. */
const kindOf = (value: string): string =>
  canariesIn(value)
    .map(({ kind, value: found }) => (value.endsWith(found) ? kind : `${kind} in part`))
    .join();

test("every secret, account number and telephone number of Mono's and OneSignal's is known to the search", async (t) => {
  const mono = await startForTest(t);
  const oneSignal = await startOneSignalSimulator({ seed: 1 });
  t.teardown(() => oneSignal.close());
  t.is(kindOf(mono.secretKey), "secret");
  t.is(kindOf(oneSignal.apiKey), "secret");
  for (let many = 0; many < 50; many += 1) {
    const { body } = await callMono(mono, `/v2/accounts/${mono.createAccount({})}`);
    const number = z.object({ data: z.object({ account: z.object({ account_number: z.string() }) }) }).parse(body);
    t.is(kindOf(number.data.account.account_number), "account number");
  }
});

test("every secret and telephone number of MTN's is known to the search", async (t) => {
  const momo = await startStanding();
  t.teardown(() => momo.close());
  for (const targetEnvironment of [
    "sandbox",
    "mtnuganda",
    "mtnghana",
    "mtnivorycoast",
    "mtnzambia",
    "mtncameroon",
    "mtnbenin",
    "mtncongo",
    "mtnswaziland",
    "mtnguineaconakry",
    "mtnsouthafrica",
    "mtnliberia",
    "mtnsouthsudan",
    "mtnnigeria",
    "mtnrwanda",
  ]) {
    const wallet = momo.createWallet({ targetEnvironment });
    t.is(kindOf(wallet.msisdn), "phone number", targetEnvironment);
    for (const secret of [wallet.apiKey, wallet.subscriptionKey, basic(wallet)]) t.is(kindOf(secret), "secret");
    t.is(kindOf(momo.rotateKey(wallet.apiUser).apiKey), "secret");
  }
  const wallet = momo.createWallet();
  const token = field(await fetchToken(wallet, { "x-target-environment": "sandbox" }), "access_token");
  t.is(kindOf(token), "secret");
  for (const { clientSecret, apiKey } of [wallet.statement, momo.rotateStatementSecret()]) {
    t.deepEqual([clientSecret, apiKey].map(kindOf), ["secret", "secret"]);
  }
  const { clientId, clientSecret } = momo.rotateStatementSecret();
  const answer = await callMomo(`${momo.statementUrl}/v1/oauth/access_token?grant_type=client_credentials`, {
    method: "POST",
    rawBody: new URLSearchParams({ client_id: clientId, client_secret: clientSecret }).toString(),
  });
  t.is(kindOf(field(answer, "access_token")), "secret");
});
