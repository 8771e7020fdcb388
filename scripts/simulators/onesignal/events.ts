/** Everything that changes the simulator, one event each: the state is their fold. Moments are virtual milliseconds. */
import { z } from "zod";

const at = z.number().int();

export const notificationSchema = z.object({
  id: z.string(),
  at,
  /** Null: the caller gave none, so that a repetition is another notification. */
  key: z.string().nullable(),
  /** External ids of those who got it. */
  recipients: z.array(z.string()),
  headings: z.record(z.string(), z.string()),
  contents: z.record(z.string(), z.string()),
  url: z.string().nullable(),
  appUrl: z.string().nullable(),
  webUrl: z.string().nullable(),
  collapseId: z.string().nullable(),
  webPushTopic: z.string().nullable(),
  ttl: z.number().nullable(),
  priority: z.number().nullable(),
  data: z.record(z.string(), z.unknown()),
});

/** What a device would show. */
export type SentNotification = z.infer<typeof notificationSchema>;

/** What is documented nowhere, or in two ways. A change names some of them. */
export const settingsSchema = z.strictObject({
  /** Aliases nobody has: `errors` as the object of the docs, or the sentence that is also seen. */
  unknownAliases: z.enum(["object", "array"]).exactOptional(),
  /** `Retry-After` on a 429. */
  retryAfter: z.boolean().exactOptional(),
  /** A refused key is answered 403 (the live edge) or 401 (the docs). */
  refusedKey: z.union([z.literal(401), z.literal(403)]).exactOptional(),
});

export type SettingsChange = z.infer<typeof settingsSchema>;

export type Settings = Required<SettingsChange>;

export const eventSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("user_put"), at, externalId: z.string().min(1), subscribed: z.boolean() }),
  z.object({ kind: z.literal("user_removed"), at, externalId: z.string() }),
  z.object({ kind: z.literal("tags_set"), at, externalId: z.string(), tags: z.record(z.string(), z.string()) }),
  z.object({
    kind: z.literal("answered"),
    at,
    key: z.string().nullable(),
    notification: notificationSchema.nullable(),
    body: z.unknown(),
  }),
  z.object({ kind: z.literal("replayed"), at, key: z.string() }),
  z.object({ kind: z.literal("settings_changed"), at, settings: settingsSchema }),
  z.object({ kind: z.literal("clock_moved"), at, offsetMs: z.number().int() }),
]);

export type SimulatorEvent = z.infer<typeof eventSchema>;
