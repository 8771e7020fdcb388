/**
 * A stand-in for Mono on loopback, as awkward as the real one. Facts from Mono's public documentation and from public
 * clients; where they are silent, the choice is written beside the code.
 */
import { virtualClock, type VirtualClock } from "../clock.ts";
import { Faults } from "../faults.ts";
import { header, startServer, type Reply, type SimulatorRequest } from "../http.ts";
import type { Seed } from "../random.ts";
import { SlidingWindowLimiter } from "../rate_limit.ts";
import { limitSettings, MonoControl, type ControlScene, type LimitSettings } from "./control.ts";
import { failed, inEnvelope, unauthorized } from "./envelopes.ts";
import { eventFrame } from "./events.ts";
import { Journal } from "./journal.ts";
import { accountRoutes } from "./routes_accounts.ts";
import { connectRoutes } from "./routes_connect.ts";
import { controlRoutes } from "./routes_control.ts";
import { startPump } from "./pump.ts";
import { Shifts } from "./shift.ts";
import { Webhooks, type WebhookSettings } from "./webhooks.ts";
import { World } from "./world.ts";

export type MonoSimulatorOptions = {
  /** Equal seeds and equal actions at equal moments give equal worlds, ids included. */
  seed: Seed;
  /** 0, the default, takes any free port. */
  port?: number;
  /** Machine time; a fixed one stands still until the clock is moved. */
  now?: () => number;
  /** A clock shared with others, instead of one of its own; then its owner keeps it across restarts. */
  clock?: VirtualClock;
  /** What `mono-sec-key` must be. It protects nothing here: it tells a right client from a wrong one. */
  secretKey?: string;
  /** Where the journal of actions is kept, so that the next start continues this world. */
  statePath?: string;
  rateLimit?: LimitSettings;
  webhooks?: WebhookSettings;
};

export type RequestMatch = {
  method?: string;
  path?: RegExp;
  /** An account id in the path. */
  account?: string;
};

export const DEFAULT_SECRET_KEY = "test_sk_simulator";

export class MonoSimulator extends MonoControl {
  readonly #scene: ControlScene;
  readonly #stop: () => void;

  constructor(scene: ControlScene, stop: () => void) {
    super(scene);
    this.#scene = scene;
    this.#stop = stop;
  }

  /** `http://127.0.0.1:port`, no slash at the end. */
  get url(): string {
    return this.#scene.server().url;
  }

  get port(): number {
    return this.#scene.server().port;
  }

  /** The key that is accepted now. */
  get secretKey(): string {
    return this.#scene.key.secretKey;
  }

  /** Requests so far by route, e.g. `GET /v2/accounts/:id/transactions`; control requests are not among them. */
  requests(): Record<string, number> {
    return this.#scene.server().counts();
  }

  /** Resolves when the next fitting request arrives, before it is answered. Rejects on close. */
  nextRequest(match: RequestMatch = {}): Promise<SimulatorRequest> {
    return this.#scene
      .server()
      .nextRequest(
        ({ method, path }) =>
          (match.method === undefined || match.method === method) &&
          (match.path === undefined || match.path.test(path)) &&
          (match.account === undefined || path.split("/").includes(match.account)),
      );
  }

  /** Resolves when every webhook that is due now was tried: after it, what the clock brought has been told. */
  async idle(): Promise<void> {
    this.#scene.world().settle();
    await this.#scene.webhooks.deliverDue();
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#scene.server().close();
    await this.#scene.webhooks.close();
  }
}

/** @throws BadJournal when `statePath` holds another seed's journal; ZodError for settings that make no sense. */
export async function startMonoSimulator(options: MonoSimulatorOptions): Promise<MonoSimulator> {
  const clock = options.clock ?? virtualClock(options.now);
  const now = (): number => clock.now();
  let soon = (): void => undefined;
  const webhooks = new Webhooks(eventFrame(options.seed), now);
  if (options.webhooks !== undefined) webhooks.configure(options.webhooks);
  const newWorld = (): World =>
    new World({ seed: options.seed, now, onEvent: (event) => webhooks.emit(event), onAction: () => soon() });
  let world = newWorld();
  const journal =
    options.statePath === undefined
      ? null
      : resume(world, clock, options.statePath, options.seed, options.clock !== undefined);

  const limits: ControlScene["limits"] = {
    settings: options.rateLimit === undefined ? null : limitSettings.parse(options.rateLimit),
  };
  const faults = new Faults({
    "401": unauthorized,
    "403": () => failed(now(), 403, "Forbidden"),
    "429": () => failed(now(), 429, "Too many requests"),
    "500": () => failed(now(), 500, "Internal server error"),
    "503": () => failed(now(), 503, "Service unavailable"),
  });
  const shifts = new Shifts();
  const scene: ControlScene = {
    world: () => world,
    reset: () => {
      journal?.clear();
      world = newWorld();
      if (journal !== null) world.resume(journal, []);
      world.perform({ kind: "move_clock", offsetMs: clock.offsetMs });
      faults.clear();
      shifts.clear();
      webhooks.forget();
      server.forget();
    },
    clock,
    server: () => server,
    faults,
    limiter: new SlidingWindowLimiter(limits.settings),
    limits,
    key: { secretKey: options.secretKey ?? DEFAULT_SECRET_KEY, refusal: 401 },
    shifts,
    webhooks,
    failures: () => pump.failures(),
  };
  const pump = startPump(scene);
  soon = () => pump.soon();
  const simulator = new MonoSimulator(scene, () => pump.stop());

  const parts = { world: scene.world, shifts, baseUrl: () => server.url };
  const provided = [...accountRoutes(parts), ...connectRoutes(parts)];
  const server = await startServer({
    routes: [
      ...provided.map((route) => ({ ...route, handle: inEnvelope(now, route.handle) })),
      ...controlRoutes(() => simulator),
    ],
    port: options.port ?? 0,
    now,
    controlPath: "/control",
    around: (request, answer) => gate(scene, request, answer),
    notFound: (request) => failed(now(), 404, `Cannot ${request.method} ${request.path}`),
    notJson: () => failed(now(), 400, "Invalid JSON"),
  });
  return simulator;
}

function resume(world: World, clock: VirtualClock, path: string, seed: Seed, shared: boolean): Journal {
  const { journal, entries } = Journal.open(path, seed);
  const moved = entries.map(({ action }) => action).findLast((action) => action.kind === "move_clock");
  if (moved !== undefined && !shared) clock.move({ offsetMs: moved.offsetMs });
  world.resume(journal, entries);
  return journal;
}

/** What every request passes on its way: the limit, the faults, the key. The Connect page is for people, who have none. */
async function gate(scene: ControlScene, request: SimulatorRequest, answer: () => Promise<Reply>): Promise<Reply> {
  const { clock, limits, limiter, faults, key } = scene;
  scene.world().settle();
  if (request.path.startsWith("/connect/")) return answer();
  const { settings } = limits;
  const allowed = limiter.take(settings?.clock === "machine" ? clock.machineNow() : clock.now());
  if (!allowed.allowed) {
    const wait = Math.max(1, Math.ceil(allowed.retryAfterMs / 1_000));
    const headers: Record<string, string> = {};
    if (settings?.retryAfter === "seconds") headers["retry-after"] = `${wait}`;
    if (settings?.retryAfter === "date") headers["retry-after"] = new Date(clock.now() + wait * 1_000).toUTCString();
    return failed(clock.now(), 429, "Too many requests", headers);
  }
  return faults.answer(request, () => {
    if (header(request, "mono-sec-key") === key.secretKey) return answer();
    return key.refusal === 401 ? unauthorized() : failed(clock.now(), 403, "Forbidden");
  });
}
