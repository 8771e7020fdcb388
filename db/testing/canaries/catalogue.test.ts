import { createHash, randomUUID } from "node:crypto";
import test from "ava";
import { canariesIn, canarySecret, describeCanary } from "./catalogue.ts";

const kindsIn = (text: string): string[] => canariesIn(text).map(({ kind }) => kind);

test("a marked secret is found as it is, within base64, and in the digits of its bytes", (t) => {
  for (const encoding of ["hex", "base64", "base64url"] as const) {
    const secret = canarySecret(encoding);
    t.deepEqual(canariesIn(`key=${secret}, and more`), [{ kind: "secret", name: "a marked secret", value: secret }]);
    t.is(Buffer.from(secret, encoding).length, 32);
    t.deepEqual(kindsIn(Buffer.from(secret, encoding).toString("hex")), ["secret"]);
  }
  const secret = canarySecret("hex");
  // Whatever stands before it moves it to another place of a group of three.
  for (const user of ["", "a", "ab", "abc", randomUUID()]) {
    const basic = Buffer.from(`${user}:${secret}`).toString("base64");
    t.deepEqual(kindsIn(`Basic ${basic}`), ["secret"], user);
  }
});

test("each form is found, in a sentence, in JSON and at the ends", (t) => {
  const samples: [string, string][] = [
    ["live_sk_abc", "secret"],
    ["whsec_simulator", "secret"],
    ["os_v2_app_abc", "secret"],
    [`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.${"a".repeat(43)}`, "secret"],
    ["postgres://tidemark:pw@", "secret"],
    ["0131883461", "account number"],
    ["46733123454", "phone number"],
    ["46133123454", "phone number"],
    ["256770000001", "phone number"],
    ["233240000000", "phone number"],
    ["2348012345678", "phone number"],
    ["+2348012345678", "phone number"],
  ];
  for (const [value, kind] of samples) {
    for (const text of [value, `it was ${value}.`, JSON.stringify({ value }), `NIP/${value}/TRF`]) {
      t.deepEqual(kindsIn(text), [kind], text);
    }
  }
});

test("what only looks like one is none", (t) => {
  const innocents = [
    "a11ce000-0000-4000-8000-256770000001",
    "b0b00000-0131-4000-8000-013188346100",
    "2026-03-10T12:00:00.013188Z",
    "1764093515123",
    "0.0131883461",
    "46733123454.25",
    "167733123454",
    "postgres://***@127.0.0.1:5432/app",
    "postgres://127.0.0.1:5432/app",
    createHash("sha256").update("5ec2e7").digest("hex"),
    "MONO_SECRET_KEY is not set",
    "test_socket",
  ];
  for (const text of innocents) t.deepEqual(canariesIn(text), [], text);
});

test("each value is told once, by its name and its beginning", (t) => {
  const [found, ...more] = canariesIn("0131883461 and 0131883461");
  t.deepEqual(more, []);
  t.is(found === undefined ? "" : describeCanary(found), "an account number (0131883461)");
  t.is(
    describeCanary({ kind: "secret", name: "a marked secret", value: "5ec2e7".repeat(10) }),
    "a marked secret (5ec2e75ec2e75ec2e75ec2e7…)",
  );
});
