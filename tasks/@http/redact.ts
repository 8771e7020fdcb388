const MASK = "***";

/**
 * Masks what must never reach a log, an error or the database, in text that somebody else wrote: known secrets,
 * bearer and basic credentials, anything that looks like a key or token, e-mail addresses, and digit runs of six and
 * more (account and phone numbers, also when written in groups). Line breaks become spaces, and the result is cut to
 * `maxLength` characters.
 *
 * It rather masks too much: an identifier is found in the provider's dashboard by time and code as well.
 */
export function redact(text: string, options: { secrets?: readonly string[]; maxLength?: number } = {}): string {
  const { secrets = [], maxLength = 200 } = options;
  let safe = beginning(text, maxLength * 4 + 2048);
  for (const secret of secrets) {
    if (secret !== "") safe = safe.replaceAll(secret, MASK);
  }
  safe = safe.replaceAll(/[\p{Cc}\s]+/gu, " ");
  // Whether or not there is a colon, the word after the scheme is the credential.
  safe = safe.replaceAll(/\b(bearer|basic|key)(\s*[:=]?\s+|[:=])[^\s"',;]+/gi, `$1$2${MASK}`);
  safe = safe.replaceAll(/\b(?:test|live)_[a-z]{2}_[^\s"',;]*/gi, MASK);
  safe = safe.replaceAll(/\S*@\S*/g, MASK);
  // A key or token: long, unbroken, and with both letters and digits. Error codes in capitals have no digits.
  safe = safe.replaceAll(/[A-Za-z0-9_\-+/=.~]{16,}/g, (run) => (/\d/.test(run) && /[A-Za-z]/.test(run) ? MASK : run));
  safe = safe.replaceAll(/\p{Nd}(?:[\s\-().+/]{0,2}\p{Nd}){5,}/gu, MASK);
  safe = safe.trim().toWellFormed();
  return safe.length <= maxLength ? safe : cut(safe, maxLength);
}

/**
 * A page of a megabyte need not be searched to its end for 200 characters. Cut between words, so that no pattern is
 * cut in two.
 */
function beginning(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length).replace(/\S+$/, "");
}

function cut(text: string, maxLength: number): string {
  return `${text
    .slice(0, maxLength - 1)
    .toWellFormed()
    .replace(/\uFFFD$/, "")}…`;
}
