import { createHash } from "node:crypto";
import test from "ava";
import { parseServiceTokens, ServiceTokensError } from "./service_tokens.ts";
import { canarySecret } from "./testing/canaries/catalogue.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

const problemsOf = (text: string): readonly string[] => {
  try {
    parseServiceTokens(text);
  } catch (error) {
    if (error instanceof ServiceTokensError) return error.problems;
    throw error;
  }
  return [];
};

test("several tokens are valid at once, also two of one name", (t) => {
  const [old, young] = [canarySecret("hex"), canarySecret("hex")];
  const tokens = parseServiceTokens(`app:sha256:${sha256(old)}, app:sha256:${sha256(young).toUpperCase()}`);
  t.deepEqual(
    tokens.map(({ name, hash }) => [name, hash.toString("hex")]),
    [
      ["app", sha256(old)],
      ["app", sha256(young)],
    ],
  );
});

test("every problem is told at once, by position, and nothing is repeated of what was given", (t) => {
  const secret = "hunter2-secret-token";
  const good = `app:sha256:${sha256("a")}`;
  const text = [`app:${secret}`, good, good, `app:sha256:${secret}`, "", `:sha256:${sha256("b")}`].join(",");
  const problems = problemsOf(text);
  t.deepEqual(
    problems.map((problem) => problem.slice(0, 7)),
    ["entry 1", "entry 3", "entry 4", "entry 5", "entry 6"],
  );
  t.false(problems.join().includes(secret));
  t.deepEqual(problemsOf(good), []);
});
