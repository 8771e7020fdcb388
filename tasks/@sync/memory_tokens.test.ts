import test from "ava";
import { createMemoryTokens } from "./memory_tokens.ts";

test("one token for all who ask, until it is old, refused, or for another purpose", async (t) => {
  let now = Date.parse("2026-01-01T00:00:00Z");
  let minted = 0;
  const tokens = createMemoryTokens(() => new Date(now));
  const mint = () => Promise.resolve({ token: `t${(minted += 1)}`, expiresInSeconds: 3600 });

  t.deepEqual(await Promise.all([tokens("a").get(mint), tokens("a").get(mint)]), ["t1", "t1"]);
  t.is(await tokens("b").get(mint), "t2");

  now += 50 * 60_000;
  t.is(await tokens("a").get(mint), "t1", "ten minutes are left");
  now += 1;
  t.is(await tokens("a").get(mint), "t3");

  await tokens("a").forget("t1");
  t.is(await tokens("a").get(mint), "t3", "a newer token stays");
  await tokens("a").forget("t3");
  t.is(await tokens("a").get(mint), "t4");
});

test("a failed mint is not remembered", async (t) => {
  const tokens = createMemoryTokens(() => new Date(0));
  await t.throwsAsync(
    tokens("a").get(() => Promise.reject(new Error("no"))),
    { message: "no" },
  );
  t.is(await tokens("a").get(() => Promise.resolve({ token: "t", expiresInSeconds: 3600 })), "t");
});
