/** Chooses the form that a count takes in a language. */
export function plural(language: string): (n: number, forms: { one: string; other: string }) => string {
  const rules = new Intl.PluralRules(language);
  return (n, { one, other }) => (rules.select(n) === "one" ? one : other);
}
