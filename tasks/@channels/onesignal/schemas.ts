import { z } from "zod";

/**
 * OneSignal's replies as far as we read them (OneSignal docs, create notification and update user). `errors` is a list of
 * sentences, or an object by kind; sentences have also been objects with a title. Unknown keys are ignored.
 */

const said = z.union([z.string(), z.looseObject({ title: z.string().nullish(), code: z.string().nullish() })]);

const byKind = z.looseObject({
  invalid_aliases: z.looseObject({ external_id: z.array(z.string()).nullish() }).nullish(),
});

export const oneSignalReply = z.looseObject({
  id: z.string().nullish(),
  errors: z.union([z.array(said), byKind, z.string()]).nullish(),
});

export type OneSignalReply = z.infer<typeof oneSignalReply>;

/** Whose alias OneSignal does not know. */
export function unknownAliases({ errors }: OneSignalReply): string[] {
  return typeof errors === "object" && errors !== null && !Array.isArray(errors)
    ? (errors.invalid_aliases?.external_id ?? [])
    : [];
}

/** All that OneSignal says went wrong, as one text; empty where it says nothing. */
export function wordsOf({ errors }: OneSignalReply): string {
  if (typeof errors === "string") return errors;
  if (Array.isArray(errors)) {
    return errors.map((one) => (typeof one === "string" ? one : (one.title ?? one.code ?? ""))).join("; ");
  }
  // Of an object only the kinds: what stands under them are people.
  return Object.keys(errors ?? {}).join("; ");
}
