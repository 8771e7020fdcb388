/** Nobody is believed who wants us away for longer: a day, the time between two ordinary syncs. */
export const MAX_RETRY_AFTER_SECONDS = 86_400;

const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * The seconds that a Retry-After header asks us to wait, from 0 to a day: either a whole number of seconds or an
 * HTTP date, which counts from `now` (RFC 9110, 10.2.3). Null where there is no header or it says neither.
 */
export function parseRetryAfter(header: string | null, now: Date): number | null {
  const text = header?.trim() ?? "";
  if (/^\d+$/.test(text)) return Math.min(Number(text), MAX_RETRY_AFTER_SECONDS);
  if (!IMF_FIXDATE.test(text)) return null;
  const at = Date.parse(text);
  if (Number.isNaN(at)) return null;
  return Math.min(Math.max(0, Math.ceil((at - now.getTime()) / 1000)), MAX_RETRY_AFTER_SECONDS);
}
