/**
 * A stand-in for MTN MoMo: one or more MTN hosts ("platforms") and a MADAPI-style statement host, on loopback, over
 * one state. As awkward as the real one, wherever how it is awkward is known; settings.ts has a switch wherever it
 * is not.
 *
 * One seed gives one history. Business time is a virtual clock; limits and slow answers are machine time.
 */
import { type ClockMove, type VirtualClock, virtualClock } from "../clock.ts";
import { type Fault, type FaultPlan, type FaultReport, Faults } from "../faults.ts";
import { empty, type RequestRecord, type SimulatorRequest, type SimulatorServer } from "../http.ts";
import { openJournal } from "../journal.ts";
import type { Seed } from "../random.ts";
import { type RateLimit, SlidingWindowLimiter } from "../rate_limit.ts";
import { type CallbackRecord, startCallbacks } from "./callbacks.ts";
import { controlRoutes } from "./control_routes.ts";
import { forbidden, momoError, rateLimited } from "./errors.ts";
import { eventSchema } from "./events.ts";
import { madapiFaults, startMadapiServer, type StatementCredentials, statementCredentials } from "./madapi.ts";
import { type PaymentControls, paymentControls } from "./payment_controls.ts";
import { startPlatformServer } from "./platform_server.ts";
import { type RowControls, rowControls } from "./row_controls.ts";
import { type Settings, type SettingsPatch, settingsPatchSchema } from "./settings.ts";
import { UnknownThing, walletOf } from "./state.ts";
import { type Truth, truthOf } from "./truth.ts";
import { type WalletControls, walletControls } from "./wallet_controls.ts";
import { openWorld, type Platform } from "./world.ts";

export type PlatformOptions = {
  name: string;
  port?: number;
  /** The platform of the 2026 migration. */
  newPlatform?: boolean;
  /** API users can be made over HTTP. */
  provisioning?: boolean;
};

export type MomoSimulatorOptions = {
  seed: Seed;
  /** Of the first platform. */
  port?: number;
  statementPort?: number;
  /** Machine time. A fixed function makes business time stand still between moves. */
  now?: () => number;
  /** A clock shared with other simulators; then whoever owns it keeps it across restarts. */
  clock?: VirtualClock;
  /** One sandbox unless told. */
  platforms?: PlatformOptions[];
  settings?: SettingsPatch;
  /** Per platform; 150 requests a second unless told (MTN's community page), null for none. */
  rateLimit?: RateLimit | null;
  /** Of the statement host, for which nothing is published. */
  statementRateLimit?: RateLimit | null;
  /** A file that brings the same state back at the next start. */
  statePath?: string;
};

/** `statement`, or a platform's name. */
export type HostName = string;

export type SimulatorState = {
  now: string;
  offsetMs: number;
  statementUrl: string;
  platforms: (Platform & { url: string })[];
  wallets: {
    apiUser: string;
    msisdn: string;
    platforms: string[];
    targetEnvironment: string;
    callbackHost: string | null;
    payments: number;
    revoked: boolean;
  }[];
  settings: Settings;
  hosts: Record<
    HostName,
    { requests: Record<string, number>; breaches: number; limit: RateLimit | null; faults: FaultReport; bugs: string[] }
  >;
  callbacks: CallbackRecord[];
};

export type MomoSimulator = WalletControls &
  PaymentControls &
  RowControls & {
    /** Base URL of the first platform. */
    url: string;
    /** Base URLs by platform name. */
    urls: Record<string, string>;
    statementUrl: string;
    /** The app's subscription: primary and secondary key. */
    subscriptionKeys: string[];
    statementCredentials(): StatementCredentials;
    clock: VirtualClock;
    /** Moves the clock; resolves when the callbacks that fell due were delivered or given up. */
    moveClock(move: ClockMove): Promise<void>;
    /** Resolves when every callback due by now was delivered or given up. */
    callbacksSettled(): Promise<void>;
    /** @throws UnknownThing */
    truth(apiUser: string): Truth;
    state(): SimulatorState;
    changeSettings(patch: SettingsPatch): Settings;
    /** On one host, or on all platforms (not the statement) when none is named. */
    setRateLimit(limit: RateLimit | null, host?: HostName): void;
    /** On one host, or on every one. A fault on every one is queued on each. */
    addFault(fault: Fault, host?: HostName): void;
    clearFaults(): void;
    /** A standing source of faults, asked by one host or by every one; null ends it. Only from within the process. */
    followFaultPlan(plan: FaultPlan | null, host?: HostName): void;
    /** The next request to any host that fits, on its arrival. */
    nextRequest(match: (request: SimulatorRequest) => boolean): Promise<SimulatorRequest>;
    /** The last 500 requests of each host. */
    recentRequests(): Record<HostName, RequestRecord[]>;
    /**
     * Back to an empty beginning of the seed, the journal included; a clock of our own goes back to machine time.
     * Limits, their breaches and a fault plan stay.
     */
    reset(): void;
    close: () => Promise<void>;
  };

const DEFAULT_LIMIT: RateLimit = { limit: 150, windowMs: 1_000 };
const STATEMENT = "statement";

type Host = { name: HostName; limiter: SlidingWindowLimiter; faults: Faults; server: SimulatorServer };

export async function startMomoSimulator(options: MomoSimulatorOptions): Promise<MomoSimulator> {
  const clock = options.clock ?? virtualClock(options.now);
  const journal = openJournal({ of: "momo", path: options.statePath ?? null, seed: options.seed, event: eventSchema });
  const world = openWorld(options.seed, clock, journal);
  if (options.clock === undefined && world.state.clockOffsetMs !== 0)
    clock.move({ offsetMs: world.state.clockOffsetMs });
  const applyOptions = (): void => {
    if (options.settings === undefined) return;
    world.record({ kind: "settings_changed", at: clock.now(), settings: settingsPatchSchema.parse(options.settings) });
  };
  if (journal.past.length === 0) applyOptions();

  const given = options.platforms ?? [{ name: "sandbox", provisioning: true }];
  const platforms = given.map(({ name, newPlatform = false, provisioning = false }) => ({
    name,
    newPlatform,
    provisioning,
  }));
  const hosts: Host[] = [];
  const hostNamed = (name: HostName): Host => {
    const host = hosts.find((candidate) => candidate.name === name);
    if (host === undefined) throw new UnknownThing(`no host ${name}`);
    return host;
  };
  const addresses = {
    baseUrl: (platform: string) => hostNamed(platform).server.url,
    statementUrl: () => hostNamed(STATEMENT).server.url,
  };
  const callbacks = startCallbacks(world);
  const urlsByName = (): Record<string, string> =>
    Object.fromEntries(platforms.map(({ name }) => [name, addresses.baseUrl(name)]));

  const simulator: MomoSimulator = {
    ...walletControls(world, platforms, addresses),
    ...paymentControls(world, addresses),
    ...rowControls(world),
    get url() {
      return hosts.find(({ name }) => name === platforms[0]?.name)?.server.url ?? "";
    },
    get urls() {
      return urlsByName();
    },
    get statementUrl() {
      return addresses.statementUrl();
    },
    subscriptionKeys: world.subscriptionKeys,
    statementCredentials: () => statementCredentials(world),
    clock,
    async moveClock(move) {
      clock.move(move);
      world.record({ kind: "clock_moved", at: clock.now(), offsetMs: clock.offsetMs });
      await callbacks.settled();
    },
    callbacksSettled: () => callbacks.settled(),
    truth: (apiUser) => truthOf(world, walletOf(world.state, apiUser)),
    state: () => ({
      now: new Date(clock.now()).toISOString(),
      offsetMs: clock.offsetMs,
      statementUrl: addresses.statementUrl(),
      platforms: platforms.map((platform) => ({ ...platform, url: addresses.baseUrl(platform.name) })),
      wallets: [...world.state.wallets.values()].map((wallet) => ({
        apiUser: wallet.apiUser,
        msisdn: wallet.msisdn,
        platforms: wallet.platforms,
        targetEnvironment: wallet.environment,
        callbackHost: wallet.callbackHost,
        payments: wallet.payments.length,
        revoked: wallet.revoked,
      })),
      settings: world.state.settings,
      hosts: Object.fromEntries(hosts.map((host) => [host.name, describe(host)])),
      callbacks: callbacks.sent(),
    }),
    changeSettings(patch) {
      world.record({ kind: "settings_changed", at: clock.now(), settings: settingsPatchSchema.parse(patch) });
      return world.state.settings;
    },
    setRateLimit(limit, host) {
      const chosen = host === undefined ? hosts.filter(({ name }) => name !== STATEMENT) : [hostNamed(host)];
      for (const { limiter } of chosen) limiter.configure(limit);
    },
    addFault(fault, host) {
      for (const { faults } of host === undefined ? hosts : [hostNamed(host)]) faults.add(fault);
    },
    clearFaults() {
      for (const { faults } of hosts) faults.clear();
    },
    followFaultPlan(plan, host) {
      for (const { faults } of host === undefined ? hosts : [hostNamed(host)]) faults.follow(plan);
    },
    nextRequest: (match) => Promise.race(hosts.map(({ server }) => server.nextRequest(match))),
    recentRequests: () => Object.fromEntries(hosts.map(({ name, server }) => [name, server.recent()])),
    reset() {
      world.forget();
      if (options.clock === undefined) clock.move({ offsetMs: 0 });
      for (const { faults, server } of hosts) {
        faults.clear();
        server.forget();
      }
      applyOptions();
      callbacks.restart();
    },
    async close() {
      await Promise.all(hosts.map(({ server }) => server.close()));
      await callbacks.close();
    },
  };

  const routes = controlRoutes(simulator);
  try {
    for (const [index, platform] of platforms.entries()) {
      const port = given[index]?.port ?? (index === 0 ? (options.port ?? 0) : 0);
      const limiter = new SlidingWindowLimiter(options.rateLimit === undefined ? DEFAULT_LIMIT : options.rateLimit);
      const faults = collectionFaults();
      const server = await startPlatformServer({ world, platform, port, limiter, faults, controlRoutes: routes });
      hosts.push({ name: platform.name, limiter, faults, server });
    }
    const limit = options.statementRateLimit === undefined ? DEFAULT_LIMIT : options.statementRateLimit;
    const limiter = new SlidingWindowLimiter(limit);
    const faults = madapiFaults();
    const server = await startMadapiServer({ world, port: options.statementPort ?? 0, limiter, faults });
    hosts.push({ name: STATEMENT, limiter, faults, server });
  } catch (error) {
    await simulator.close();
    throw error;
  }
  return simulator;
}

function collectionFaults(): Faults {
  return new Faults({
    "401": () => empty(401),
    "403": forbidden,
    "429": () => rateLimited(1_000, false),
    "500": () => momoError("INTERNAL_PROCESSING_ERROR"),
    "503": () => momoError("SERVICE_UNAVAILABLE"),
  });
}

function describe({ server, limiter, faults }: Host): SimulatorState["hosts"][HostName] {
  return {
    requests: server.counts(),
    breaches: limiter.breaches,
    limit: limiter.limit,
    faults: faults.report(),
    bugs: server.bugs().map((bug) => (bug instanceof Error ? bug.message : String(bug))),
  };
}
