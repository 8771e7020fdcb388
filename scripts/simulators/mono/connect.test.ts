import test from "ava";
import { z } from "zod";
import { call, MINUTE, readPages, startForTest } from "./test_client.ts";

const link = {
  customer: { name: "Ada Obi", email: "ada@example.com" },
  scope: "auth",
  redirect_url: "https://app.example/back?x=1",
  meta: { ref: "user-7" },
};
const initiated = z.looseObject({ data: z.looseObject({ mono_url: z.url(), customer: z.string() }) });
const exchanged = z.looseObject({ data: z.object({ id: z.string() }) });

test("link: initiate, the user's page, the code, the account", async (t) => {
  const mono = await startForTest(t);
  const { data } = initiated.parse((await call(mono, "/v2/accounts/initiate", { method: "POST", body: link })).body);
  const path = new URL(data.mono_url).pathname;
  const page = await call(mono, path, { headers: { "mono-sec-key": "" } });
  t.regex(String(page.body), /<form method="post"/);
  const done = await call(mono, path, { method: "POST", headers: { "mono-sec-key": "" } });
  t.is(done.status, 303);
  const again = await call(mono, path, { headers: { "mono-sec-key": "" } });
  t.is(again.status, 410);
  t.regex(String(again.body), /used already/);
  t.true(String(page.body).includes('<a href="https://app.example/back?x=1">Not now</a>'));
  const back = new URL(String(done.headers.get("location")));
  t.is(back.searchParams.get("x"), "1");
  const code = back.searchParams.get("code");
  const { id } = exchanged.parse((await call(mono, "/v2/accounts/auth", { method: "POST", body: { code } })).body).data;
  t.like((await call(mono, `/v2/accounts/${id}`)).body, {
    data: { customer: { id: data.customer }, meta: { ref: "user-7" } },
  });
  t.true((await readPages(mono, id)).length > 0);
  t.deepEqual(
    mono.events().map(({ name, data: { id: flat } }) => [name, flat]),
    [
      ["mono.events.account_connected", id],
      ["mono.events.account_updated", undefined],
    ],
  );
});

test("a code works once, and for ten minutes", async (t) => {
  const mono = await startForTest(t);
  const exchange = async (code: string) =>
    (await call(mono, "/v2/accounts/auth", { method: "POST", body: { code } })).status;
  const code = async (): Promise<string> => {
    const { data } = initiated.parse((await call(mono, "/v2/accounts/initiate", { method: "POST", body: link })).body);
    return mono.completeConnect(String(data.mono_url.split("/").at(-1)), { perWeek: 0 });
  };
  const first = await code();
  mono.moveClock({ advanceMs: 10 * MINUTE - 1 });
  t.is(await exchange(first), 200);
  t.is(await exchange(first), 400);
  const second = await code();
  mono.moveClock({ advanceMs: 10 * MINUTE });
  t.is(await exchange(second), 400);
  t.is(await exchange("code_made_up"), 400);
});

test("re-auth: the link is for one account and expires; afterwards jobs finish again", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 5 });
  mono.setConsent(id, { expired: true });
  const initiate = async (): Promise<string> => {
    const answer = await call(mono, "/v2/accounts/initiate", {
      method: "POST",
      body: { account: id, scope: "reauth" },
    });
    t.like(answer.body, { data: { account: id, scope: "reauth", auth_method: "internet_banking" } });
    return String(initiated.parse(answer.body).data.mono_url.split("/").at(-1));
  };
  const stale = await initiate();
  mono.moveClock({ advanceMs: 10 * MINUTE });
  t.throws(() => mono.completeConnect(stale), { message: /expired/ });
  t.is((await call(mono, `/connect/${stale}`, { method: "POST" })).status, 400);
  t.regex(String((await call(mono, `/connect/${stale}`)).body), /has expired/);
  t.true(mono.state().accounts[0]?.consentExpired);
  const fresh = await initiate();
  t.is(mono.completeConnect(fresh), id);
  t.throws(() => mono.completeConnect(fresh), { message: /used/ });
  t.false(mono.state().accounts[0]?.consentExpired);
  t.is(mono.events().at(-2)?.name, "mono.events.account_reauthorized");
});

test("initiate refuses what is incomplete", async (t) => {
  const mono = await startForTest(t);
  const { redirect_url: _left, ...noRedirect } = link;
  for (const body of [{}, { scope: "auth" }, noRedirect, { scope: "reauth" }, { ...link, scope: "other" }]) {
    t.is((await call(mono, "/v2/accounts/initiate", { method: "POST", body })).status, 400, JSON.stringify(body));
  }
  t.is(
    (await call(mono, "/v2/accounts/initiate", { method: "POST", body: { account: "nobody", scope: "reauth" } }))
      .status,
    404,
  );
  t.is((await call(mono, "/v2/accounts/initiate", { method: "POST", body: link })).status, 200);
});

test("an unlinked account is gone", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount();
  t.is((await call(mono, `/v2/accounts/${id}/unlink`, { method: "POST" })).status, 200);
  t.is((await call(mono, `/v2/accounts/${id}`)).status, 404);
});

test("a re-link: the same bank account and rows under other ids, the old id gone", async (t) => {
  const mono = await startForTest(t);
  const old = mono.createAccount({ perWeek: 30 });
  const before = await readPages(mono, old);
  const id = mono.relink(old);
  t.not(id, old);
  t.is((await call(mono, `/v2/accounts/${old}/transactions`)).status, 404);
  const after = await readPages(mono, id);
  t.deepEqual(
    after.map(({ id: _id, ...rest }) => rest),
    before.map(({ id: _id, ...rest }) => rest),
  );
  const names = new Set(before.map((each) => each.id));
  t.true(after.every((each) => !names.has(each.id)));
  const [one, two] = mono.state().accounts;
  t.is(one?.number, two?.number);
});

test("institutions and customers", async (t) => {
  const mono = await startForTest(t);
  const { body } = await call(mono, "/v3/institutions?scope=financial_data");
  t.like(body, { status: "successful", data: [{ institution: "GTBank", bank_code: "058" }] });
  const customer = { name: "Ada Obi", email: "ada@example.com" };
  const made = exchanged.loose().parse((await call(mono, "/v2/customers", { method: "POST", body: customer })).body);
  t.truthy(made.data.id);
});
