/** Where MTN's behaviour is undocumented, differs between sources or differs between places: a switch each. */
import { z } from "zod";

export const callbackPlanSchema = z.object({
  /** never: lost. duplicate: the same message twice. */
  mode: z.enum(["once", "never", "duplicate"]),
  /** The docs say PUT on one page and POST on another; alternate: half of the payments each. */
  method: z.enum(["PUT", "POST", "alternate"]),
  /** Virtual milliseconds between the outcome and the callback. */
  delayMs: z.number().int().min(0),
});

export type CallbackPlan = z.infer<typeof callbackPlanSchema>;

export const settingsSchema = z.object({
  /** A new API key ends the old one at once. Undocumented. */
  oldKeyDies: z.boolean(),
  /** `reason` as `{code, message}` (spec), as the bare code (most clients read that), or half of the payments each. */
  reasonForm: z.enum(["object", "string", "alternate"]),
  /** Numbers 57 to 62 are refused at the POST rather than failing later. Undocumented. */
  refuseAtPost: z.boolean(),
  /** A 401 of a product call has an empty body, or `{"error": "invalid_token"}`. Undocumented. */
  unauthorizedBody: z.enum(["empty", "error"]),
  /** A 429 carries Retry-After (the gateway's default). */
  retryAfter: z.boolean(),
  /** Machine milliseconds that a token takes: 10 to 20 s were seen on the new platform. */
  tokenDelayMs: z.number().int().min(0),
  callbacks: callbackPlanSchema,
});

export type Settings = z.infer<typeof settingsSchema>;

/** What a caller may change; whatever is absent stays. */
export const settingsPatchSchema = settingsSchema
  .partial()
  .extend({ callbacks: callbackPlanSchema.partial().optional() });

export type SettingsPatch = z.infer<typeof settingsPatchSchema>;

export const defaultSettings: Settings = {
  oldKeyDies: true,
  reasonForm: "alternate",
  refuseAtPost: true,
  unauthorizedBody: "empty",
  retryAfter: true,
  tokenDelayMs: 0,
  callbacks: { mode: "once", method: "alternate", delayMs: 0 },
};

export function withPatch(settings: Settings, { callbacks = {}, ...rest }: SettingsPatch): Settings {
  return settingsSchema.parse({
    ...settings,
    ...dropUndefined(rest),
    callbacks: { ...settings.callbacks, ...dropUndefined(callbacks) },
  });
}

/** What zod calls optional may be present and undefined, and would overwrite a value in a spread. */
export function dropUndefined<T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> };
export function dropUndefined(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
