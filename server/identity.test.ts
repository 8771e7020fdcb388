import { createServer } from "node:http";
import test, { type ExecutionContext } from "ava";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { bearerToken, createVerifier, KeysUnavailableError, TokenRefusedError } from "./identity.ts";
import { signingSecret, tokenOf } from "./testing/graphql_api.ts";

const ada = "a0000000-0000-4000-8000-000000000001";
const settings = { JWT_SECRET: signingSecret, JWT_AUDIENCE: "authenticated", JWT_ISSUER: "https://issuer.example" };
const fromIssuer = { iss: "https://issuer.example" };

test("a good token tells its user and until when", async (t) => {
  const exp = Math.floor(Date.now() / 1000) + 60;
  const token = await tokenOf(ada.toUpperCase(), { claims: fromIssuer, expires: exp });
  t.deepEqual(await createVerifier(settings)(token), { userId: ada, expiresAt: exp * 1000 });
});

test("a token is refused that is forged, expired, for others, of others, unsigned, endless, or of nobody", async (t) => {
  const verify = createVerifier(settings);
  const good = await tokenOf(ada, { claims: fromIssuer });
  t.is((await verify(good))?.userId, ada);
  const [head = "", , signature = ""] = good.split(".");
  const kofi = Buffer.from(JSON.stringify({ ...fromIssuer, sub: "b", aud: "authenticated", exp: 9e9 }));
  const refused = {
    forged: await tokenOf(ada, { claims: fromIssuer, secret: "another secret that is long enough too" }),
    expired: await tokenOf(ada, { claims: fromIssuer, expires: Math.floor(Date.now() / 1000) - 1 }),
    forOthers: await tokenOf(ada, { claims: { ...fromIssuer, aud: "somebody-else" } }),
    ofOthers: await tokenOf(ada, { claims: { iss: "https://other.example" } }),
    unsigned: new UnsecuredJWT({ ...fromIssuer, sub: ada, aud: "authenticated", exp: 9e9 }).encode(),
    changed: `${head}.${kofi.toString("base64url")}.${signature}`,
    endless: await new SignJWT({ ...fromIssuer, aud: "authenticated", sub: ada })
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(signingSecret)),
    ofNobody: await tokenOf("ada", { claims: fromIssuer }),
    noToken: "abc",
    empty: "..",
  };
  for (const [what, token] of Object.entries(refused)) {
    const error = await t.throwsAsync(() => verify(token), { instanceOf: TokenRefusedError }, what);
    t.false(error?.message.includes(token), "the message repeats nothing");
  }
});

test("Supabase's anonymous key is valid and stands for nobody", async (t) => {
  t.is(await createVerifier(settings)(await tokenOf(ada, { claims: { ...fromIssuer, role: "anon" } })), null);
});

test("an audience may be one of several, a token may be for later, and an issuer's clock a little ahead", async (t) => {
  const now = 1_800_000_000;
  const verify = createVerifier(settings, { now: () => now * 1000 });
  const token = (claims: Record<string, unknown>, expires = now + 60) =>
    tokenOf(ada, { claims: { ...fromIssuer, ...claims }, expires });
  t.is((await verify(await token({ aud: ["others", "authenticated"] })))?.userId, ada);
  await t.throwsAsync(verify(await token({ aud: ["others"] })), { message: "The token is not valid." });
  await t.throwsAsync(verify(await token({ aud: [] })), { message: "The token is not valid." });
  t.is((await verify(await token({ nbf: now + 5 })))?.userId, ada);
  await t.throwsAsync(verify(await token({ nbf: now + 6 })), { message: "The token is not valid." });
  t.is((await verify(await token({}, now + 1)))?.userId, ada);
  await t.throwsAsync(verify(await token({}, now)), { message: "The token has expired." });
  for (const exp of ["1900000000", null, -1]) {
    const claims: Record<string, unknown> = { aud: "authenticated", sub: ada, exp };
    const odd = await new SignJWT({ ...fromIssuer, ...claims })
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(signingSecret));
    await t.throwsAsync(verify(odd), { instanceOf: TokenRefusedError }, String(exp));
  }
});

/** An issuer's keys at an address of this machine, as they are at the moment at which they are asked for. */
async function serveKeys(t: ExecutionContext, answer: () => { status: number; body: string }): Promise<string> {
  const issuer = createServer((_, response) => {
    const { status, body } = answer();
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  t.teardown(async () => {
    issuer.close();
    issuer.closeAllConnections();
  });
  const address = issuer.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/jwks.json`;
}

test("public keys are read from the issuer; a secret is never taken for one", async (t) => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" }] });
  const url = await serveKeys(t, () => ({ status: 200, body: jwks }));
  const verify = createVerifier({ JWT_JWKS_URL: url });
  const sign = (key: typeof privateKey, header: { kid?: string; alg?: string } = { kid: "one" }): Promise<string> =>
    new SignJWT({ sub: ada })
      .setProtectedHeader({ alg: "ES256", ...header })
      .setExpirationTime("1 hour")
      .sign(key);
  t.is((await verify(await sign(privateKey)))?.userId, ada);
  await t.throwsAsync(verify(await sign((await generateKeyPair("ES256")).privateKey)), {
    instanceOf: TokenRefusedError,
  });
  await t.throwsAsync(verify(await sign(privateKey, { kid: "another" })), { instanceOf: TokenRefusedError });
  // The classic confusion: the public key's text as an HMAC secret.
  await t.throwsAsync(verify(await tokenOf(ada, { secret: jwks })), { instanceOf: TokenRefusedError });
  // And with a secret as well: each is tried on its own kind of token only.
  const both = createVerifier({ JWT_JWKS_URL: url, JWT_SECRET: signingSecret });
  t.is((await both(await sign(privateKey)))?.userId, ada);
  t.is((await both(await tokenOf(ada)))?.userId, ada);
  await t.throwsAsync(both(await tokenOf(ada, { secret: jwks })), { instanceOf: TokenRefusedError });
  await t.throwsAsync(both(new UnsecuredJWT({ sub: ada, exp: 9e9 }).encode()), { instanceOf: TokenRefusedError });
});

test("an issuer that cannot tell its keys is no reason to refuse a token: nothing is known of it", async (t) => {
  const { privateKey } = await generateKeyPair("ES256");
  const token = await new SignJWT({ sub: ada })
    .setProtectedHeader({ alg: "ES256", kid: "one" })
    .setExpirationTime("1 hour")
    .sign(privateKey);
  for (const answer of [
    { status: 500, body: "{}" },
    { status: 404, body: "not here" },
    { status: 200, body: "<html>" },
    { status: 200, body: '{"keys":7}' },
  ]) {
    const verify = createVerifier({ JWT_JWKS_URL: await serveKeys(t, () => answer) });
    await t.throwsAsync(verify(token), { instanceOf: KeysUnavailableError }, JSON.stringify(answer));
  }
  const verify = createVerifier({ JWT_JWKS_URL: await serveKeys(t, () => ({ status: 200, body: '{"keys":[]}' })) });
  await t.throwsAsync(verify(token), { instanceOf: TokenRefusedError }, "the control: keys that do not have this one");
});

test("without a secret or keys, every token is refused", async (t) => {
  await t.throwsAsync(createVerifier({})(await tokenOf(ada)), { instanceOf: TokenRefusedError });
});

test("the Authorization header is a bearer's or a mistake", (t) => {
  t.is(bearerToken(undefined), null);
  t.is(bearerToken("bearer a.b.c"), "a.b.c");
  t.throws(() => bearerToken("Basic YTpi"), { instanceOf: TokenRefusedError });
  t.throws(() => bearerToken("Bearer"), { instanceOf: TokenRefusedError });
});
