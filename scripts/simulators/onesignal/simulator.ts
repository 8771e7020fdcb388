/**
 * A stand-in for OneSignal on loopback: notifications by external id with idempotency keys, and users' tags. Facts from
 * OneSignal's documentation and SDKs; where they are silent or differ there is a setting (events.ts).
 */
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
import { controlRoute, UnknownThing } from "../control_route.ts";
import { Faults } from "../faults.ts";
import { header, json, type Reply, type Route, type SimulatorRequest, startServer } from "../http.ts";
import { openJournal } from "../journal.ts";
import { randomFor, type Seed, uuidFor } from "../random.ts";
import { type RateLimit, SlidingWindowLimiter } from "../rate_limit.ts";
import { eventSchema, type SentNotification, type Settings, type SettingsChange, settingsSchema } from "./events.ts";
import { createNotification } from "./notifications.ts";
import { updateUser } from "./users.ts";
import { type KeyCount, type User, World } from "./world.ts";

export type OneSignalSimulatorOptions = {
  seed: Seed;
  /** 0, the default, takes any free port. */
  port?: number;
  /** Machine time; a fixed one stands still until the clock is moved. */
  now?: () => number;
  /** A clock shared with others; then its owner keeps it across restarts. */
  clock?: VirtualClock;
  /** Notifications made; 150 a second unless told (the free plan), null for none. In machine time. */
  rateLimit?: RateLimit | null;
  /** Writes of users; 1,000 a second unless told. */
  userRateLimit?: RateLimit | null;
  /** A file that brings the same state back at the next start. */
  statePath?: string;
};

export type OneSignalState = CommonState & {
  appId: string;
  users: Record<string, User>;
  notifications: number;
  keys: Record<string, KeyCount>;
  settings: Settings;
};

export type OneSignalSimulator = CommonControls & {
  url: string;
  port: number;
  appId: string;
  /** The key that is accepted now. */
  readonly apiKey: string;
  /** Somebody who signed in to the app, on a device that is subscribed unless told otherwise. */
  putUser(externalId: string, user?: { subscribed?: boolean }): void;
  removeUser(externalId: string): void;
  /** @throws UnknownThing */
  user(externalId: string): User;
  /** What was sent, oldest first. A replay adds nothing. */
  notifications(): SentNotification[];
  /** What this user's devices got. */
  received(externalId: string): SentNotification[];
  /** What an idempotency key has led to. */
  keyCount(key: string): KeyCount;
  state(): OneSignalState;
  changeSettings(settings: SettingsChange): void;
  /** Another key from now on. */
  setKey(apiKey: string): void;
};

/** @throws BadJournal when `statePath` holds another seed's journal. */
export async function startOneSignalSimulator(options: OneSignalSimulatorOptions): Promise<OneSignalSimulator> {
  const { seed } = options;
  const clock = options.clock ?? virtualClock(options.now);
  const journal = openJournal({ of: "onesignal", path: options.statePath ?? null, seed, event: eventSchema });
  const world = new World(seed, clock, journal);
  if (options.clock === undefined) clock.move({ offsetMs: world.state.clockOffsetMs });

  const appId = uuidFor(seed, "onesignal app");
  let apiKey = `os_v2_app_${randomFor(seed, "onesignal key").hex(40)}`;
  const limiter = new SlidingWindowLimiter(limitOr(options.rateLimit, { limit: 150, windowMs: 1_000 }));
  const userLimiter = new SlidingWindowLimiter(limitOr(options.userRateLimit, { limit: 1_000, windowMs: 1_000 }));
  const denied = (status = world.state.settings.refusedKey): Reply => json(status, { errors: [ACCESS_DENIED] });
  const limited = (seconds = 1): Reply =>
    json(
      429,
      { errors: ["API rate limit exceeded."] },
      world.state.settings.retryAfter ? { "retry-after": `${seconds}` } : {},
    );
  const faults = new Faults({
    "401": () => denied(401),
    "403": () => denied(403),
    "429": () => json(429, { errors: ["API rate limit exceeded."] }),
    "500": () => json(500, { errors: ["Internal server error"] }),
    "503": () => json(503, { errors: ["Service temporarily unavailable"] }),
  });

  const gate = (request: SimulatorRequest, answer: () => Promise<Reply>): Reply | Promise<Reply> => {
    const allowed = (request.method === "PATCH" ? userLimiter : limiter).take(clock.machineNow());
    if (!allowed.allowed) return limited(Math.max(1, Math.ceil(allowed.retryAfterMs / 1_000)));
    return faults.answer(request, () => (header(request, "authorization") === `Key ${apiKey}` ? answer() : denied()));
  };

  const parts: CommonParts = {
    clock,
    limiters: [limiter, userLimiter],
    faults,
    server: () => server,
    clockMoved: () => world.record({ kind: "clock_moved", at: clock.now(), offsetMs: clock.offsetMs }),
    forget: () => world.forget(),
  };
  const simulator: OneSignalSimulator = {
    ...commonControls(parts),
    get url() {
      return server.url;
    },
    get port() {
      return server.port;
    },
    appId,
    get apiKey() {
      return apiKey;
    },
    putUser(externalId, { subscribed = true } = {}) {
      world.record({ kind: "user_put", at: clock.now(), externalId, subscribed });
    },
    removeUser(externalId) {
      world.record({ kind: "user_removed", at: clock.now(), externalId });
    },
    user(externalId) {
      const user = world.state.users.get(externalId);
      if (user === undefined) throw new UnknownThing(`no user ${externalId}`);
      return user;
    },
    notifications: () => [...world.state.notifications],
    received: (externalId) => world.state.notifications.filter(({ recipients }) => recipients.includes(externalId)),
    keyCount: (key) => world.state.keys.get(key.toLowerCase()) ?? { created: 0, replayed: 0 },
    state: () => ({
      ...commonState(parts),
      appId,
      users: Object.fromEntries(world.state.users),
      notifications: world.state.notifications.length,
      keys: Object.fromEntries(world.state.keys),
      settings: world.state.settings,
    }),
    changeSettings(settings) {
      world.record({ kind: "settings_changed", at: clock.now(), settings });
    },
    setKey(key) {
      apiKey = key;
    },
  };

  const server = await startServer({
    routes: [
      { method: "POST", path: "/notifications", handle: createNotification(world, appId) },
      { method: "PATCH", path: "/apps/:app/users/by/:label/:id", handle: updateUser(world, appId) },
      ...controlRoutes(simulator),
    ],
    port: options.port ?? 0,
    now: () => clock.now(),
    controlPath: "/control",
    around: gate,
    notFound: () => json(404, { errors: ["Not found"] }),
    notJson: () => json(400, { errors: ["Request body is not JSON."] }),
  });
  return simulator;
}

const ACCESS_DENIED =
  "Access denied.  Please include an 'Authorization: ...' header with a valid API key (https://documentation.onesignal.com/docs/en/keys-and-ids#api-keys).";

const limitOr = (given: RateLimit | null | undefined, usual: RateLimit): RateLimit | null =>
  given === undefined ? usual : given;

function controlRoutes(simulator: OneSignalSimulator): Route[] {
  const externalId = (request: SimulatorRequest): string => request.params["id"] ?? "";
  return [
    ...commonRoutes(simulator),
    controlRoute("GET", "/notifications", () => simulator.notifications()),
    controlRoute("GET", "/users/:id", (request) => simulator.user(externalId(request))),
    controlRoute("GET", "/users/:id/received", (request) => simulator.received(externalId(request))),
    controlRoute("PUT", "/users/:id", (request) =>
      simulator.putUser(
        externalId(request),
        z.strictObject({ subscribed: z.boolean().default(true) }).parse(request.body ?? {}),
      ),
    ),
    controlRoute("DELETE", "/users/:id", (request) => simulator.removeUser(externalId(request))),
    controlRoute("POST", "/settings", ({ body }) => simulator.changeSettings(settingsSchema.parse(body))),
    controlRoute("POST", "/key", ({ body }) =>
      simulator.setKey(z.strictObject({ apiKey: z.string().min(1) }).parse(body).apiKey),
    ),
  ];
}
