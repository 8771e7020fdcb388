import test from "ava";
import { notificationLanguage } from "../../db/queries/deliveries.ts";
import { languages, render, type Told } from "./render.ts";

const platforms = Object.keys(languages.en).filter((name): name is Told["platform"] => name in languages.en);
const kindsOf = (platform: Told["platform"]) =>
  Object.keys(languages.en[platform]).filter((kind): kind is Told["kind"] => kind in languages.en[platform]);

const params = [
  {},
  { newTransactions: 0 },
  { newTransactions: 1 },
  { newTransactions: 12_345 },
  { failureKind: "account_gone" },
  { failureKind: "transient" },
  { institution: "First City Monument Bank of Somewhere Far Away Limited" },
];
/** Nobody called it anything, something usual, and as long as it may be. */
const names = [null, "Salary", "W".repeat(120), "👩‍👩‍👧‍👦".repeat(20)];

test("every language has the same platforms and kinds", (t) => {
  t.deepEqual(Object.keys(languages).toSorted(), notificationLanguage.options.toSorted());
  const keysOf = (language: keyof typeof languages) =>
    Object.entries(languages[language])
      .flatMap(([platform, kinds]) => Object.keys(kinds).map((kind) => `${platform} ${kind}`))
      .toSorted();
  for (const language of notificationLanguage.options) t.deepEqual(keysOf(language), keysOf("en"), language);
  t.is(keysOf("en").length, 12);
});

for (const language of notificationLanguage.options) {
  for (const platform of platforms) {
    for (const kind of kindsOf(platform)) {
      test(`${language}, ${platform}, ${kind}: renders, whatever there is to say, and fits a phone`, (t) => {
        for (const accountName of names) {
          for (const given of params) {
            const { title, body } = render({ kind, platform, accountName, params: given }, language);
            for (const text of [title, body]) {
              t.true(text.length > 0);
              t.notRegex(text, /undefined|null|NaN|\[object|  |\$\{/, text);
            }
            t.true([...new Intl.Segmenter().segment(title)].length <= 65, `too long: ${title}`);
            t.true(body.length <= 160, `too long (${body.length}): ${body}`);
            const brand = platform === "mono" ? /\bMono\b/ : /\bMTN MoMo API\b/;
            t.regex(`${title} ${body}`, brand, "says which platform, in the story's words");
          }
        }
      });
    }
  }
}

test("the nickname is all that is said of a person, whole where it is short, cut by whole characters where it is long", (t) => {
  const titleFor = (accountName: string | null) =>
    render({ kind: "reauth_required", platform: "mono", accountName, params: {} }, "en").title;
  t.is(titleFor("Salary"), "Reconnect Salary");
  t.is(titleFor(null), "Reconnect your account");
  t.is(titleFor("Savings ".repeat(10)), "Reconnect Savings Savings Savings Savings…");
  t.is(titleFor("👩‍👩‍👧‍👦".repeat(40)), `Reconnect ${"👩‍👩‍👧‍👦".repeat(31)}…`);
});

test("counts agree with their nouns", (t) => {
  const body = (language: "en" | "fr", newTransactions: number) =>
    render({ kind: "recovered", platform: "mono", accountName: "Salary", params: { newTransactions } }, language).body;
  t.is(body("en", 37), "All good, 37 new transactions. Synced via Mono.");
  t.is(body("en", 1), "All good, 1 new transaction. Synced via Mono.");
  t.is(body("en", 0), "All good, nothing new meanwhile. Synced via Mono.");
  t.is(body("fr", 37), "Tout va bien, 37 nouvelles transactions. Synchronisé via Mono.");
  t.is(body("fr", 1), "Tout va bien, 1 nouvelle transaction. Synchronisé via Mono.");
});

test("an account that is gone is told apart from one that comes back by itself", (t) => {
  const body = (failureKind: string) =>
    render({ kind: "sync_failing", platform: "mtn_momo", accountName: "Wallet", params: { failureKind } }, "en").body;
  t.regex(body("account_gone"), /link it again/);
  t.regex(body("transient"), /keep trying/);
  t.throws(() => body("a new kind"), { name: "ZodError" });
});
