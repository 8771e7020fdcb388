import { createServer } from "node:http";
import test from "ava";
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

test("public keys are read from the issuer; a secret is never taken for one", async (t) => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" }] });
  const issuer = createServer((_, response) => response.setHeader("content-type", "application/json").end(jwks));
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  const address = issuer.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const verify = createVerifier({ JWT_JWKS_URL: `http://127.0.0.1:${port}/jwks.json` });
  const sign = (key: typeof privateKey): Promise<string> =>
    new SignJWT({ sub: ada }).setProtectedHeader({ alg: "ES256", kid: "one" }).setExpirationTime("1 hour").sign(key);
  t.is((await verify(await sign(privateKey)))?.userId, ada);
  await t.throwsAsync(verify(await sign((await generateKeyPair("ES256")).privateKey)), {
    instanceOf: TokenRefusedError,
  });
  // The classic confusion: the public key's text as an HMAC secret.
  await t.throwsAsync(verify(await tokenOf(ada, { secret: jwks })), { instanceOf: TokenRefusedError });
  await new Promise((resolve) => issuer.close(resolve));
});

test("keys that cannot be read refuse no token, and accept none", async (t) => {
  const { privateKey } = await generateKeyPair("ES256");
  const token = await new SignJWT({ sub: ada })
    .setProtectedHeader({ alg: "ES256", kid: "one" })
    .setExpirationTime("1 hour")
    .sign(privateKey);
  const verify = createVerifier({ JWT_JWKS_URL: "http://127.0.0.1:1/jwks.json" });
  await t.throwsAsync(verify(token), { instanceOf: KeysUnavailableError });
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
