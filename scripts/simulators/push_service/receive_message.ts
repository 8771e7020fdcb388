/** `POST /push/:id` (RFC 8030, 5): what a push service demands of a sender, and what becomes of the message. */
import { header, type Handler, json, type Reply } from "../http.ts";
import { uuidFor } from "../random.ts";
import { openMessage } from "./open_message.ts";
import { checkVapid } from "./vapid.ts";
import type { World } from "./world.ts";

export const receiveMessage =
  (world: World, origin: () => string): Handler =>
  async (request) => {
    const { settings, subscriptions } = world.state;
    const subscription = subscriptions.get(request.params["id"] ?? "");
    if (subscription === undefined || subscription.status === "unknown") return refusal(404, "no such subscription");
    if (subscription.status === "gone") return refusal(410, "the subscription has ended");
    const sender = await checkVapid(header(request, "authorization"), origin(), subscription.applicationServerKey);
    if ("problem" in sender) return refusal(sender.status, sender.problem);

    const ttl = header(request, "ttl") ?? "";
    if (!/^\d{1,10}$/.test(ttl)) return refusal(400, "no TTL");
    const topic = header(request, "topic") ?? null;
    if (topic !== null && !/^[A-Za-z0-9_-]{1,32}$/.test(topic)) return refusal(400, "not a topic");
    const urgency = header(request, "urgency") ?? "normal";
    if (!["very-low", "low", "normal", "high"].includes(urgency)) return refusal(400, "not an urgency");
    if (request.bytes.length > 0 && header(request, "content-encoding") !== "aes128gcm") {
      return refusal(400, "not an encoding");
    }
    if (request.bytes.length > settings.maxPayloadBytes) return refusal(413, "too large");

    const ttlSeconds = Math.min(Number(ttl), settings.maxTtlSeconds);
    const id = uuidFor(world.seed, "message", world.state.accepted);
    const at = world.clock.now();
    const text = openMessage(request.bytes, subscription.keys);
    world.record({
      kind: "accepted",
      at,
      id: subscription.id,
      message: { id, at, topic, ttlSeconds, urgency, text },
    });
    return {
      status: settings.acceptedStatus,
      headers: { location: `${origin()}/message/${id}`, ttl: `${ttlSeconds}` },
      body: "",
    };
  };

/** Services differ in their bodies; this is Mozilla's style. */
export const refusal = (code: number, message: string): Reply => json(code, { code, errno: 100, message });
