/** The controls that every channel's simulator has: its clock, its limit and its faults. */
import { z } from "zod";
import type { ClockMove, VirtualClock } from "./clock.ts";
import { controlRoute } from "./control_route.ts";
import { type Fault, type FaultPlan, type FaultReport, type Faults, faultSchema } from "./faults.ts";
import type { RequestRecord, Route, SimulatorRequest, SimulatorServer } from "./http.ts";
import type { RateLimit, SlidingWindowLimiter } from "./rate_limit.ts";

export type CommonControls = {
  clock: VirtualClock;
  moveClock(move: ClockMove): void;
  setRateLimit(limit: RateLimit | null): void;
  addFault(fault: Fault): void;
  clearFaults(): void;
  /** A standing source of faults; null ends it. Only from within the process. */
  followFaultPlan(plan: FaultPlan | null): void;
  nextRequest(match: (request: SimulatorRequest) => boolean): Promise<SimulatorRequest>;
  recentRequests(): RequestRecord[];
  /** Back to an empty beginning, the journal included. Keys, limits and their breaches stay. */
  reset(): void;
  close(): Promise<void>;
};

export type CommonState = {
  now: string;
  requests: Record<string, number>;
  breaches: number;
  faults: FaultReport;
  bugs: string[];
};

export type CommonParts = {
  clock: VirtualClock;
  /** Its `breaches` are those of all limiters; only the first one's limit can be changed. */
  limiters: readonly [SlidingWindowLimiter, ...SlidingWindowLimiter[]];
  faults: Faults;
  server: () => SimulatorServer;
  /** Writes down where the clock stands. */
  clockMoved: () => void;
  forget: () => void;
};

export function commonControls(parts: CommonParts): CommonControls {
  const { clock, limiters, faults, server } = parts;
  return {
    clock,
    moveClock(move) {
      clock.move(move);
      parts.clockMoved();
    },
    setRateLimit: (limit) => limiters[0].configure(limit),
    addFault: (fault) => faults.add(fault),
    clearFaults: () => faults.clear(),
    followFaultPlan: (plan) => faults.follow(plan),
    nextRequest: (match) => server().nextRequest(match),
    recentRequests: () => server().recent(),
    reset() {
      parts.forget();
      faults.clear();
      server().forget();
    },
    close: () => server().close(),
  };
}

export function commonState({ clock, limiters, faults, server }: CommonParts): CommonState {
  return {
    now: new Date(clock.now()).toISOString(),
    requests: server().counts(),
    breaches: limiters.reduce((sum, { breaches }) => sum + breaches, 0),
    faults: faults.report(),
    bugs: server()
      .bugs()
      .map((bug) => (bug instanceof Error ? bug.message : String(bug))),
  };
}

const rateLimitSchema = z.strictObject({ limit: z.number().int().min(1), windowMs: z.number().int().min(1) });

const clockMoveSchema = z.union([
  z.strictObject({ now: z.union([z.number().int(), z.iso.datetime().transform((text) => Date.parse(text))]) }),
  z.strictObject({ offsetMs: z.number().int() }),
  z.strictObject({ advanceMs: z.number().int() }),
]);

export function commonRoutes(simulator: CommonControls & { state(): unknown }): Route[] {
  return [
    controlRoute("GET", "/state", () => simulator.state()),
    controlRoute("POST", "/clock", ({ body }) => {
      simulator.moveClock(clockMoveSchema.parse(body));
      return { now: new Date(simulator.clock.now()).toISOString() };
    }),
    controlRoute("POST", "/rate-limit", ({ body }) => simulator.setRateLimit(rateLimitSchema.nullable().parse(body))),
    controlRoute("POST", "/faults", ({ body }) => simulator.addFault(faultSchema.parse(body))),
    controlRoute("DELETE", "/faults", () => simulator.clearFaults()),
    controlRoute("POST", "/reset", () => simulator.reset()),
  ];
}
