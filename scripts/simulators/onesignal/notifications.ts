/**
 * `POST /notifications` (OneSignal docs, create notification). Which sentence stands for which mistake is only known for
 * the first one; the others are in its style.
 */
import { z } from "zod";
import { type Handler, json, type Reply } from "../http.ts";
import { uuidFor } from "../random.ts";
import type { SentNotification } from "./events.ts";
import type { World } from "./world.ts";

const text = z.record(z.string(), z.string());

const requestSchema = z.looseObject({
  app_id: z.string().optional(),
  include_aliases: z.looseObject({ external_id: z.array(z.string()).optional() }).optional(),
  include_subscription_ids: z.array(z.string()).optional(),
  included_segments: z.array(z.string()).optional(),
  filters: z.array(z.unknown()).optional(),
  target_channel: z.string().optional(),
  idempotency_key: z.string().optional(),
  headings: text.optional(),
  contents: text.optional(),
  url: z.string().optional(),
  app_url: z.string().optional(),
  web_url: z.string().optional(),
  collapse_id: z.string().optional(),
  web_push_topic: z.string().optional(),
  ttl: z.number().optional(),
  priority: z.number().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});

type CreateRequest = z.infer<typeof requestSchema>;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const createNotification =
  (world: World, appId: string): Handler =>
  ({ body }) => {
    const parsed = requestSchema.safeParse(body);
    if (!parsed.success) return refused("Request body is malformed.");
    const problem = problemOf(parsed.data, appId);
    if (problem !== null) return refused(problem);
    const { data } = parsed;
    const key = data.idempotency_key?.toLowerCase() ?? null;
    const first = key === null ? undefined : world.firstAnswer(key);
    if (key !== null && first !== undefined) {
      world.record({ kind: "replayed", at: world.clock.now(), key });
      return json(200, first.body, { "idempotent-replayed": "true" });
    }
    const { notification, answer } = send(world, data, key);
    world.record({ kind: "answered", at: world.clock.now(), key, notification, body: answer });
    return json(200, answer);
  };

function problemOf(request: CreateRequest, appId: string): string | null {
  const { include_aliases: aliases, include_subscription_ids, included_segments, filters } = request;
  if (request.app_id === undefined)
    return "app_id not found. You may be missing a Content-Type: application/json header.";
  if (request.app_id !== appId) return "Invalid app_id.";
  const targets = [aliases, include_subscription_ids, included_segments, filters].filter((one) => one !== undefined);
  if (targets.length === 0) {
    return "You must include which players, segments, or tags you wish to send this notification to.";
  }
  if (targets.length > 1) return "You may only use one targeting method.";
  if (aliases !== undefined && request.target_channel !== "push") {
    return "target_channel is required when using include_aliases.";
  }
  if (request.contents?.["en"] === undefined) return "Notification contents must not be null for any languages: en.";
  if (request.headings !== undefined && request.headings["en"] === undefined) return "Headings must include English.";
  if (request.url !== undefined && (request.app_url ?? request.web_url) !== undefined) {
    return "url cannot be set together with app_url or web_url.";
  }
  if (request.idempotency_key !== undefined && !UUID.test(request.idempotency_key)) {
    return "idempotency_key must be a UUID.";
  }
  if ((request.collapse_id ?? "").length > 64) return "collapse_id must be at most 64 characters.";
  if (request.ttl !== undefined && !(request.ttl >= 0 && request.ttl <= 2_419_200)) return "ttl is out of range.";
  if (Buffer.byteLength(JSON.stringify(request.data ?? {})) > 2_048) return "data must be at most 2048 bytes.";
  return null;
}

function send(
  world: World,
  request: CreateRequest,
  key: string | null,
): { notification: SentNotification | null; answer: unknown } {
  const { users, notifications, settings } = world.state;
  const asked = request.include_aliases?.external_id ?? [];
  const unknown = asked.filter((externalId) => !users.has(externalId));
  const recipients = asked.filter((externalId) => users.get(externalId)?.subscribed === true);
  const objected = unknown.length > 0 && settings.unknownAliases === "object";
  const errors = objected ? { errors: { invalid_aliases: { external_id: unknown } } } : {};
  if (recipients.length === 0) {
    const answer = objected ? { id: "", ...errors } : { id: "", errors: ["All included players are not subscribed"] };
    return { notification: null, answer };
  }
  const id = uuidFor(world.seed, "notification", notifications.length);
  const notification: SentNotification = {
    id,
    at: world.clock.now(),
    key,
    recipients,
    headings: request.headings ?? {},
    contents: request.contents ?? {},
    url: request.url ?? null,
    appUrl: request.app_url ?? null,
    webUrl: request.web_url ?? null,
    collapseId: request.collapse_id ?? null,
    webPushTopic: request.web_push_topic ?? null,
    ttl: request.ttl ?? null,
    priority: request.priority ?? null,
    data: request.data ?? {},
  };
  return { notification, answer: { id, external_id: null, ...errors } };
}

const refused = (sentence: string): Reply => json(400, { errors: [sentence] });
