import type { FaultKind, FaultPlan, PlannedFault } from "../simulators/faults.ts";
import type { SimulatorRequest } from "../simulators/http.ts";
import { randomFor, type Seed } from "../simulators/random.ts";

type Host = "mono" | "sandbox" | "statement";

/**
 * How often each kind comes, by its share of all faults. A huge answer costs 30 MB of work, and a 429 stops a platform for
 * a second or more: both are rare.
 */
const SHARES: Record<FaultKind, number> = {
  "429": 2,
  "429_retry_after": 2,
  "500": 8,
  "503": 8,
  "401": 2,
  "403": 1,
  html: 6,
  cut: 8,
  lost_answer: 8,
  cut_midway: 8,
  hang: 2,
  slow: 6,
  malformed: 5,
  wrong_type: 5,
  huge: 0.05,
  empty: 4,
  null: 3,
  null_data: 4,
  reordered: 3,
  repeated_row: 6,
  repeated_page: 6,
};

/** Kinds that take machine time: a run that is repeated exactly leaves them out. */
export const TIMED_KINDS: readonly FaultKind[] = ["hang", "slow", "huge"];

export type FaultSettings = {
  seed: Seed;
  /** Faults in all; then every request is let through. */
  total: number;
  /** Share of requests that meet a fault. */
  rate: number;
  without?: readonly FaultKind[];
};

/**
 * Faults by the ordinal of a request at its host: whatever order the workers ask in, the n-th request to Mono meets the
 * same fault for the same seed.
 */
export class SeededFaults {
  readonly #settings: FaultSettings;
  readonly #kinds: { kind: FaultKind; upTo: number }[];
  #injected = 0;
  #ended = false;

  constructor(settings: FaultSettings) {
    this.#settings = settings;
    let upTo = 0;
    this.#kinds = Object.entries(SHARES).flatMap(([name, share]) => {
      if (!isKind(name) || (settings.without ?? []).includes(name)) return [];
      upTo += share;
      return [{ kind: name, upTo }];
    });
  }

  get injected(): number {
    return this.#injected;
  }

  get exhausted(): boolean {
    return this.#ended || this.#injected >= this.#settings.total;
  }

  /** No fault from here on. */
  end(): void {
    this.#ended = true;
  }

  /** @param seen told of each request with the fault it meets, before it is answered. */
  plan(host: Host, seen?: (request: SimulatorRequest, fault: PlannedFault | null) => void): FaultPlan {
    return (request) => {
      const fault = this.#draw(host, request);
      if (fault !== null) this.#injected += 1;
      seen?.(request, fault);
      return fault;
    };
  }

  #draw(host: Host, { ordinal }: SimulatorRequest): PlannedFault | null {
    if (this.exhausted) return null;
    const random = randomFor(this.#settings.seed, "fault", host, ordinal);
    if (!random.chance(this.#settings.rate)) return null;
    const drawn = random.next() * (this.#kinds.at(-1)?.upTo ?? 0);
    const kind = this.#kinds.find(({ upTo }) => drawn < upTo)?.kind;
    if (kind === undefined) return null;
    return { kind, delayMs: random.int(20, 400), retryAfterSeconds: random.pick([1, 30, 120, 3_600]) };
  }
}

const isKind = (name: string): name is FaultKind => Object.hasOwn(SHARES, name);
