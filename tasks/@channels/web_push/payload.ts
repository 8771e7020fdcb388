import type { PushMessage } from "../channel.ts";

/**
 * What the page's service worker gets, as JSON: `showNotification(title, {body, lang: language, tag, data: {url}})`. The tag makes a
 * message that came twice, or a later one of the same episode, replace the earlier one on the screen.
 */
export type WebPushPayload = {
  title: string;
  body: string;
  language: string;
  tag: string;
  /** Where a tap leads; null: the page itself. */
  url: string | null;
  kind: PushMessage["kind"];
  platform: PushMessage["platformSource"];
  accountId: string | null;
};

/** Sealed, a push service has to take 4,096 bytes (RFC 8030, 7.2); some take less, and sealing adds about a hundred. */
export const MAX_PAYLOAD_BYTES = 3_000;

/** For a service that took offence at more. */
export const SMALL_PAYLOAD_BYTES = 1_000;

/**
 * The payload with its body cut so far that all of it fits into so many bytes; null where even no body at all would not do:
 * title and link are not cut, because half a link leads nowhere.
 */
export function payloadWithin(maxBytes: number, message: PushMessage): string | null {
  const whole = encoded(message, message.body);
  if (Buffer.byteLength(whole) <= maxBytes) return whole;
  const characters = Array.from(message.body);
  let fits = -1;
  for (let low = 0, high = characters.length - 1; low <= high;) {
    const middle = Math.floor((low + high) / 2);
    if (Buffer.byteLength(encoded(message, cutTo(middle, characters))) <= maxBytes) {
      fits = middle;
      low = middle + 1;
    } else high = middle - 1;
  }
  return fits < 0 ? null : encoded(message, cutTo(fits, characters));
}

const cutTo = (length: number, characters: string[]): string =>
  length === 0 ? "" : `${characters.slice(0, length).join("").trimEnd()}…`;

function encoded(message: PushMessage, body: string): string {
  const payload: WebPushPayload = {
    title: message.title,
    body,
    language: message.language,
    tag: message.tag,
    url: message.webUrl,
    kind: message.kind,
    platform: message.platformSource,
    accountId: message.accountId,
  };
  return JSON.stringify(payload);
}
