import test from "ava";
import fc from "fast-check";
import { redact } from "./redact.ts";

test("secrets, credentials, addresses and numbers are masked; words and codes stay", (t) => {
  const cases: [string, string][] = [
    ["Requested resource was not found.", "Requested resource was not found."],
    ["NOT_ALLOWED_TARGET_ENVIRONMENT", "NOT_ALLOWED_TARGET_ENVIRONMENT"],
    ["Rate limit is exceeded. Try again in 45 seconds.", "Rate limit is exceeded. Try again in 45 seconds."],
    ["key live_sk_abc refused", "key *** refused"],
    ["Authorization: Bearer abc.def", "Authorization: Bearer ***"],
    ["authorization=basic dXNlcjprZXk=", "authorization=basic ***"],
    ["no account 0131883461 at 058", "no account *** at 058"],
    ["call +234 803-123-4567 now", "call +*** now"],
    ["sent to ada.obi+x@mail.example.ng, twice", "sent to *** twice"],
    ["id 697926f050b9c321c1451dda gone", "id *** gone"],
    ["user 0f8fad5b-d9cb-469f-a165-70867728950e", "user ***"],
    ["two\nlines\tand\u0000more", "two lines and more"],
  ];
  for (const [given, wanted] of cases) t.is(redact(given), wanted);
});

test("a known secret is masked even where it looks like a word", (t) => {
  t.is(redact("the secret is correct-horse", { secrets: ["correct-horse", ""] }), "the secret is ***");
});

test("long text is cut, and says so", (t) => {
  const cut = redact("word ".repeat(1000), { maxLength: 50 });
  t.is(cut.length, 50);
  t.true(cut.endsWith("…"));
});

const secret = fc.stringMatching(/^(?:test|live)_sk_[A-Za-z0-9]{20}$/);
const email = fc.emailAddress({ size: "-1" });
const number = fc.stringMatching(/^\+?\d{6,15}$/);
const noise = fc.string({ unit: "binary", maxLength: 40 });

test("no secret, address or number survives in any surroundings", (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(noise, secret, email, number), { maxLength: 8 }),
      fc.integer({ min: 1, max: 300 }),
      (parts, maxLength) => {
        const safe = redact(parts.join(" "), { maxLength });
        if (safe.length > maxLength || !safe.isWellFormed()) return false;
        if (/\d{6}/.test(safe) || /_sk_[A-Za-z0-9]/.test(safe) || /[^\s@]@[^\s@]/.test(safe)) return false;
        return parts.every((part) => !/^(?:test|live)_sk_|^\+?\d{6,15}$/.test(part) || !safe.includes(part));
      },
    ),
    { numRuns: 500 },
  );
  t.pass();
});

test("a secret that begins within the limit is not left half", (t) => {
  for (let before = 0; before < 300; before += 1) {
    const safe = redact(`${"a".repeat(before)} 0131883461 live_sk_abcdefgh12345678`);
    t.notRegex(safe, /\d{4}|sk_[a-z]/);
  }
});
