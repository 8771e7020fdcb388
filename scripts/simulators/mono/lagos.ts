/** Days as Mono's banks count them: Africa/Lagos, which is UTC+1 and has never had summer time. */

const OFFSET_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** The day a moment falls on, as a number of days since 1970-01-01. */
export function dayNumber(moment: number): number {
  return Math.floor((moment + OFFSET_MS) / DAY_MS);
}

/** The first millisecond of a day. */
export function startOfDay(day: number): number {
  return day * DAY_MS - OFFSET_MS;
}

/** `YYYY-MM-DD`. */
export function dayName(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** Mono's `DD-MM-YYYY`, digits and calendar checked; null for anything else. */
export function parseMonoDay(text: string): number | null {
  const match = /^(\d{2})-(\d{2})-(\d{4})$/.exec(text);
  if (match === null) return null;
  const iso = `${match[3]}-${match[2]}-${match[1]}`;
  const time = Date.parse(`${iso}T00:00:00.000Z`);
  // Date.parse lets 31 February through on some engines and rolls it over.
  return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== iso ? null : time / DAY_MS;
}
