import { randomUUID } from "node:crypto";
import test from "ava";
import { type Answer, basic, call, field, startStanding } from "./test_client.ts";
import type { MomoSimulator } from "./simulator.ts";

const keyed = (simulator: MomoSimulator, headers: Record<string, string> = {}): Record<string, string> => ({
  "ocp-apim-subscription-key": simulator.subscriptionKeys[0] ?? "",
  ...headers,
});

const createUser = (
  simulator: MomoSimulator,
  reference: string,
  body: unknown = { providerCallbackHost: "api.example.com" },
): Promise<Answer> =>
  call(`${simulator.url}/v1_0/apiuser`, {
    method: "POST",
    body,
    headers: keyed(simulator, { "x-reference-id": reference }),
  });

const createKey = (simulator: MomoSimulator, user: string): Promise<Answer> =>
  call(`${simulator.url}/v1_0/apiuser/${user}/apikey`, { method: "POST", headers: keyed(simulator) });

const token = (simulator: MomoSimulator, apiUser: string, apiKey: string): Promise<Answer> =>
  call(`${simulator.url}/collection/token/`, {
    method: "POST",
    headers: keyed(simulator, { authorization: basic({ apiUser, apiKey }) }),
  });

test("user, key, user's details: the trio that the sandbox offers", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const user = randomUUID();
  const created = await createUser(simulator, user);
  t.is(created.status, 201);
  t.is(created.text, "");
  const again = await createUser(simulator, user);
  t.is(again.status, 409);
  t.deepEqual(again.json, {
    code: "RESOURCE_ALREADY_EXIST",
    message: "Duplicated reference id. Creation of resource failed.",
  });
  const key = await createKey(simulator, user);
  t.is(key.status, 201);
  t.regex(field(key, "apiKey"), /^[0-9a-f]{32}$/);
  const details = await call(`${simulator.url}/v1_0/apiuser/${user}`, { headers: keyed(simulator) });
  t.deepEqual(details.json, { providerCallbackHost: "api.example.com", targetEnvironment: "sandbox" });
  t.is((await token(simulator, user, field(key, "apiKey"))).status, 200);
});

test("an unknown user is 404, a reference that is no uuid4 or a URL for a host is 400", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  t.is((await createKey(simulator, randomUUID())).status, 404);
  t.is((await call(`${simulator.url}/v1_0/apiuser/${randomUUID()}`, { headers: keyed(simulator) })).status, 404);
  t.is((await createUser(simulator, "3fa85f64-5717-1562-b3fc-2c963f66afa6")).status, 400);
  t.is((await createUser(simulator, randomUUID(), { providerCallbackHost: "https://api.example.com" })).status, 400);
  t.is((await createUser(simulator, randomUUID())).status, 201);
});

test("a second key ends the first at once, unless the setting says that it lives on", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const user = randomUUID();
  await createUser(simulator, user);
  const first = field(await createKey(simulator, user), "apiKey");
  t.is((await token(simulator, user, first)).status, 200);
  const second = field(await createKey(simulator, user), "apiKey");
  t.not(first, second);
  t.is((await token(simulator, user, first)).status, 401);
  t.is((await token(simulator, user, second)).status, 200);
  simulator.changeSettings({ oldKeyDies: false });
  const third = field(await createKey(simulator, user), "apiKey");
  t.is((await token(simulator, user, second)).status, 200);
  t.is((await token(simulator, user, third)).status, 200);
});

test("production has no provisioning", async (t) => {
  const simulator = await startStanding({ platforms: [{ name: "legacy" }] });
  t.teardown(simulator.close);
  t.is((await createUser(simulator, randomUUID())).status, 404);
});
