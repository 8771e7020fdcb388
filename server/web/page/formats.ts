/** How one reader writes moments, days, amounts and shares. */
export type Formats = {
  locale: string;
  timeZone: string;
  /** "14:05". */
  time(instant: string): string;
  /** "14:05" today, "tomorrow, 14:05", "Fri 27 Nov, 14:05". In running text, after "asked again". */
  moment(instant: string, now: Date): string;
  /** "5 minutes ago", "yesterday, 14:05", "12 Nov". */
  ago(instant: string, now: Date): string;
  /** Text as a sentence: with a full stop, unless an abbreviation has brought one. */
  sentence(text: string): string;
  /** A calendar day YYYY-MM-DD, which belongs to no zone: "yesterday", "3 Mar", "3 Mar 2025". */
  day(date: string, now: Date): string;
  /** Days from one to another: "3–5 Mar". */
  days(from: string, to: string, now: Date): string;
  /** Exact: the decimal text is what is written, and no float is in between. */
  money(amount: string, currency: string, options?: { sign?: boolean }): string;
  share(ratio: number): string;
  /** "A, B and C". */
  list(items: readonly string[]): string;
  hour(hour: number): string;
};

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * @param justNow what is said of less than a minute ago
 * @param timeZone the browser's own unless given; moments are the reader's, days are the provider's and are left alone
 */
export function formatsFor(
  locale: string,
  justNow: string,
  timeZone = new Intl.DateTimeFormat().resolvedOptions().timeZone,
): Formats {
  const dateTime = (options: Intl.DateTimeFormatOptions, zone = timeZone): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
  const time = dateTime({ hour: "2-digit", minute: "2-digit" });
  const dayOfMonth = dateTime({ day: "numeric", month: "short" });
  const dayOfYear = dateTime({ day: "numeric", month: "short", year: "numeric" });
  const weekday = dateTime({ weekday: "short", day: "numeric", month: "short" });
  const plainDay = dateTime({ day: "numeric", month: "short" }, "UTC");
  const plainDayOfYear = dateTime({ day: "numeric", month: "short", year: "numeric" }, "UTC");
  // Calendar days compare as text in this shape.
  const isoDay = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short" });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const relativeAlways = new Intl.RelativeTimeFormat(locale, { numeric: "always", style: "short" });
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
  const list = new Intl.ListFormat(locale, { type: "conjunction" });
  const currencies = new Map<string, Intl.NumberFormat>();

  const daysFromToday = (date: string, now: Date): number =>
    Math.round((Date.parse(date) - Date.parse(isoDay.format(now))) / (24 * HOUR));
  const yearOf = (date: string): string => date.slice(0, 4);
  const thisYear = (now: Date): string => yearOf(isoDay.format(now));

  function currencyFormat(currency: string, sign: boolean): Intl.NumberFormat {
    const key = `${currency} ${String(sign)}`;
    const known = currencies.get(key);
    if (known !== undefined) return known;
    const made = new Intl.NumberFormat(locale, {
      style: "currency",
      currency,
      currencyDisplay: "narrowSymbol",
      signDisplay: sign ? "exceptZero" : "auto",
    });
    currencies.set(key, made);
    return made;
  }

  return {
    locale,
    timeZone,
    time: (instant) => time.format(new Date(instant)),
    moment(instant, now) {
      const at = new Date(instant);
      const away = daysFromToday(isoDay.format(at), now);
      if (away === 0) return time.format(at);
      if (Math.abs(away) === 1) return `${relative.format(away, "day")}, ${time.format(at)}`;
      return `${weekday.format(at)}, ${time.format(at)}`;
    },
    ago(instant, now) {
      const at = new Date(instant);
      const passed = now.getTime() - at.getTime();
      if (passed < MINUTE) return justNow;
      if (passed < HOUR) return relativeAlways.format(-Math.floor(passed / MINUTE), "minute");
      const away = daysFromToday(isoDay.format(at), now);
      if (away === 0) return relativeAlways.format(-Math.floor(passed / HOUR), "hour");
      if (away === -1) return `${relative.format(-1, "day")}, ${time.format(at)}`;
      return (yearOf(isoDay.format(at)) === thisYear(now) ? dayOfMonth : dayOfYear).format(at);
    },
    sentence: (text) => (/[.!?…]$/.test(text) ? text : `${text}.`),
    day(date, now) {
      const away = daysFromToday(date, now);
      if (away === 0 || away === -1) return relative.format(away, "day");
      return (yearOf(date) === thisYear(now) ? plainDay : plainDayOfYear).format(new Date(date));
    },
    days(from, to, now) {
      const format = yearOf(from) === thisYear(now) && yearOf(to) === thisYear(now) ? plainDay : plainDayOfYear;
      return from === to ? format.format(new Date(from)) : format.formatRange(new Date(from), new Date(to));
    },
    money(amount, currency, { sign = false } = {}) {
      // What is no decimal is shown as it came rather than guessed at.
      return isDecimal(amount) ? currencyFormat(currency, sign).format(amount) : `${amount} ${currency}`;
    },
    share: (ratio) => percent.format(ratio),
    list: (items) => list.format(items),
    hour: (hour) => dateTime({ hour: "numeric" }, "UTC").format(new Date(Date.UTC(2026, 0, 1, hour))),
  };
}

/** The type under which Intl.NumberFormat takes text, which it then reads exactly. */
const isDecimal = (text: string): text is `${number}` => /^-?\d+(?:\.\d+)?$/.test(text);
