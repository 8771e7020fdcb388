/** Everything that changes the simulator, one event each: the state is their fold. Moments are virtual milliseconds. */
import { z } from "zod";

const at = z.number().int();

export const subscriptionStatus = z.enum(["active", "gone", "unknown"]);
export type SubscriptionStatus = z.infer<typeof subscriptionStatus>;

export const settingsSchema = z.strictObject({
  /** How a 429 of the limit says when to come back. */
  retryAfter: z.enum(["seconds", "date", "none"]).exactOptional(),
  /** Bodies over this are answered 413. */
  maxPayloadBytes: z.number().int().min(0).exactOptional(),
  /** A longer life is cut to this, and the reply's TTL says so. */
  maxTtlSeconds: z.number().int().min(0).exactOptional(),
  /** RFC 8030 has 201; some services answer otherwise. */
  acceptedStatus: z.union([z.literal(200), z.literal(201), z.literal(202)]).exactOptional(),
});

export type SettingsChange = z.infer<typeof settingsSchema>;
export type Settings = Required<SettingsChange>;

const messageSchema = z.object({
  id: z.string(),
  at,
  topic: z.string().nullable(),
  ttlSeconds: z.number(),
  urgency: z.string(),
  /** null: the browser's keys do not open it. */
  text: z.string().nullable(),
});

/** What the service has taken for a browser, opened. */
export type PushedMessage = z.infer<typeof messageSchema>;

export const eventSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("subscribed"),
    at,
    id: z.string(),
    p256dh: z.string(),
    auth: z.string(),
    privateKey: z.string(),
    applicationServerKey: z.string().nullable(),
    online: z.boolean(),
  }),
  z.object({ kind: z.literal("status_changed"), at, id: z.string(), status: subscriptionStatus }),
  z.object({ kind: z.literal("online_changed"), at, id: z.string(), online: z.boolean() }),
  z.object({ kind: z.literal("accepted"), at, id: z.string(), message: messageSchema }),
  z.object({ kind: z.literal("settings_changed"), at, settings: settingsSchema }),
  z.object({ kind: z.literal("clock_moved"), at, offsetMs: z.number().int() }),
]);

export type SimulatorEvent = z.infer<typeof eventSchema>;
