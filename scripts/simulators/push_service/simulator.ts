/**
 * A stand-in for a browser vendor's push service, and for the browsers behind it: over TLS, it checks who sends (VAPID),
 * keeps messages by topic and TTL, and opens them with the browser's keys, so that a test reads what a person would.
 */
import { createECDH } from "node:crypto";
import { z } from "zod";
import { type VirtualClock, virtualClock } from "../clock.ts";
import {
  type CommonControls,
  type CommonParts,
  commonControls,
  commonRoutes,
  type CommonState,
  commonState,
} from "../common_controls.ts";
import { controlRoute } from "../control_route.ts";
import { Faults } from "../faults.ts";
import { type Reply, type Route, type SimulatorRequest, startServer } from "../http.ts";
import { openJournal } from "../journal.ts";
import { randomFor, type Seed } from "../random.ts";
import { type RateLimit, SlidingWindowLimiter } from "../rate_limit.ts";
import { makeCertificate } from "./certificate.ts";
import {
  eventSchema,
  type PushedMessage,
  type Settings,
  type SettingsChange,
  settingsSchema,
  type SubscriptionStatus,
  subscriptionStatus,
} from "./events.ts";
import { receiveMessage, refusal } from "./receive_message.ts";
import { World } from "./world.ts";

export type PushServiceSimulatorOptions = {
  seed: Seed;
  /** 0, the default, takes any free port. */
  port?: number;
  /** Machine time; a fixed one stands still until the clock is moved. Tokens are judged by the machine's own. */
  now?: () => number;
  /** A clock shared with others; then its owner keeps it across restarts. */
  clock?: VirtualClock;
  /** None unless told: nothing is published. In machine time. */
  rateLimit?: RateLimit | null;
  /** A file that brings the same subscriptions back at the next start. */
  statePath?: string;
};

/** What a page gets from `pushManager.subscribe()` and hands to its server. */
export type PushSubscriptionJson = { endpoint: string; expirationTime: null; keys: { p256dh: string; auth: string } };

/** What stands on the screen for one tag: the latest, and how often it was put there. */
export type ShownNotification = { tag: string; title: string; body: string; url: string | null; times: number };

export type PushServiceState = CommonState & {
  subscriptions: {
    id: string;
    endpoint: string;
    status: SubscriptionStatus;
    online: boolean;
    delivered: number;
    waiting: number;
  }[];
  accepted: number;
  settings: Settings;
};

export type PushServiceSimulator = CommonControls & {
  /** `https://localhost:port` */
  url: string;
  port: number;
  /** PEM, for whoever is to trust it. */
  certificate: string;
  /** A browser subscribes: with the app's VAPID public key, or with none so that anybody may send. */
  subscribe(options?: { applicationServerKey?: string; online?: boolean }): PushSubscriptionJson;
  /** gone: 410 from now on; unknown: 404. @throws UnknownThing */
  setStatus(endpoint: string, status: SubscriptionStatus): void;
  /** A browser that comes back online gets what waits. @throws UnknownThing */
  setOnline(endpoint: string, online: boolean): void;
  /** What the browser got, opened, in order; what came twice is there twice. @throws UnknownThing */
  received(endpoint: string): PushedMessage[];
  /** What the browser shows, by tag. @throws UnknownThing */
  shown(endpoint: string): ShownNotification[];
  state(): PushServiceState;
  changeSettings(settings: SettingsChange): void;
};

/** @throws BadJournal when `statePath` holds another seed's journal. */
export async function startPushServiceSimulator(options: PushServiceSimulatorOptions): Promise<PushServiceSimulator> {
  const { seed } = options;
  const clock = options.clock ?? virtualClock(options.now);
  const journal = openJournal({ of: "push service", path: options.statePath ?? null, seed, event: eventSchema });
  const world = new World(seed, clock, journal);
  if (options.clock === undefined) clock.move({ offsetMs: world.state.clockOffsetMs });
  const limiter = new SlidingWindowLimiter(options.rateLimit ?? null);
  const faults = new Faults({
    "401": () => refusal(401, "unauthorized"),
    "403": () => refusal(403, "forbidden"),
    "429": () => refusal(429, "too many requests"),
    "500": () => refusal(500, "internal error"),
    "503": () => refusal(503, "unavailable"),
  });
  const certificate = await makeCertificate();

  const limited = (waitMs: number): Reply => {
    const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
    const when = {
      seconds: { "retry-after": `${seconds}` },
      date: { "retry-after": new Date(clock.now() + seconds * 1_000).toUTCString() },
      none: {},
    };
    return { ...refusal(429, "too many requests"), headers: when[world.state.settings.retryAfter] };
  };

  const parts: CommonParts = {
    clock,
    limiters: [limiter],
    faults,
    server: () => server,
    clockMoved: () => world.record({ kind: "clock_moved", at: clock.now(), offsetMs: clock.offsetMs }),
    forget: () => world.forget(),
  };
  const simulator: PushServiceSimulator = {
    ...commonControls(parts),
    get url() {
      return server.url;
    },
    get port() {
      return server.port;
    },
    certificate: certificate.cert,
    subscribe({ applicationServerKey, online = true } = {}) {
      const ordinal = world.state.subscriptions.size;
      const random = randomFor(seed, "subscription", ordinal);
      const id = `${ordinal}-${random.hex(32)}`;
      const pair = createECDH("prime256v1");
      pair.setPrivateKey(Buffer.from(`0${random.hex(63)}`, "hex"));
      const keys = {
        p256dh: pair.getPublicKey("base64url"),
        auth: Buffer.from(random.hex(32), "hex").toString("base64url"),
      };
      world.record({
        kind: "subscribed",
        at: clock.now(),
        id,
        ...keys,
        // getPrivateKey leaves leading zeroes out.
        privateKey: Buffer.from(pair.getPrivateKey("hex").padStart(64, "0"), "hex").toString("base64url"),
        applicationServerKey: applicationServerKey ?? null,
        online,
      });
      return { endpoint: `${server.url}/push/${id}`, expirationTime: null, keys };
    },
    setStatus(endpoint, status) {
      const { id } = world.subscription(idOf(endpoint));
      world.record({ kind: "status_changed", at: clock.now(), id, status });
    },
    setOnline(endpoint, online) {
      const { id } = world.subscription(idOf(endpoint));
      world.record({ kind: "online_changed", at: clock.now(), id, online });
    },
    received: (endpoint) => [...world.subscription(idOf(endpoint)).delivered],
    shown: (endpoint) => shownOf(world.subscription(idOf(endpoint)).delivered),
    state: () => ({
      ...commonState(parts),
      subscriptions: [...world.state.subscriptions.values()].map(({ id, status, online, delivered, waiting }) => ({
        id,
        endpoint: `${server.url}/push/${id}`,
        status,
        online,
        delivered: delivered.length,
        waiting: waiting.length,
      })),
      accepted: world.state.accepted,
      settings: world.state.settings,
    }),
    changeSettings(settings) {
      world.record({ kind: "settings_changed", at: clock.now(), settings });
    },
  };

  const server = await startServer({
    routes: [
      { method: "POST", path: "/push/:id", handle: receiveMessage(world, () => server.url) },
      ...controlRoutes(simulator),
    ],
    port: options.port ?? 0,
    tls: certificate,
    now: () => clock.now(),
    controlPath: "/control",
    around(request, answer) {
      const allowed = limiter.take(clock.machineNow());
      return allowed.allowed ? faults.answer(request, answer) : limited(allowed.retryAfterMs);
    },
    notFound: () => refusal(404, "no such place"),
  });
  return simulator;
}

/** An endpoint's last part; the ids of the control endpoint are just that. */
const idOf = (endpoint: string): string => endpoint.slice(endpoint.lastIndexOf("/") + 1);

const payloadSchema = z.looseObject({
  title: z.string(),
  body: z.string(),
  tag: z.string(),
  url: z.string().nullish(),
});

function shownOf(delivered: readonly PushedMessage[]): ShownNotification[] {
  const byTag = new Map<string, ShownNotification>();
  for (const { text } of delivered) {
    if (text === null) continue; // The browser could not open it, and tells nobody.
    const { title, body, tag, url } = payloadSchema.parse(JSON.parse(text));
    byTag.set(tag, { tag, title, body, url: url ?? null, times: (byTag.get(tag)?.times ?? 0) + 1 });
  }
  return [...byTag.values()];
}

function controlRoutes(simulator: PushServiceSimulator): Route[] {
  const id = (request: SimulatorRequest): string => request.params["id"] ?? "";
  return [
    ...commonRoutes(simulator),
    controlRoute("POST", "/subscriptions", ({ body }) =>
      simulator.subscribe(
        z
          .strictObject({ applicationServerKey: z.string().exactOptional(), online: z.boolean().exactOptional() })
          .parse(body ?? {}),
      ),
    ),
    controlRoute("POST", "/subscriptions/:id/status", (request) =>
      simulator.setStatus(id(request), z.strictObject({ status: subscriptionStatus }).parse(request.body).status),
    ),
    controlRoute("POST", "/subscriptions/:id/online", (request) =>
      simulator.setOnline(id(request), z.strictObject({ online: z.boolean() }).parse(request.body).online),
    ),
    controlRoute("GET", "/subscriptions/:id/received", (request) => simulator.received(id(request))),
    controlRoute("GET", "/subscriptions/:id/shown", (request) => simulator.shown(id(request))),
    controlRoute("POST", "/settings", ({ body }) => simulator.changeSettings(settingsSchema.parse(body))),
  ];
}
