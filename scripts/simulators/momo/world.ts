/** The one state behind all the simulator's ports, and the one way to change it. */
import { secretFor, type Seed } from "../random.ts";
import type { VirtualClock } from "../clock.ts";
import { eventSchema, type SimulatorEvent } from "./events.ts";
import type { Journal } from "../journal.ts";
import { type Ledger, ledgerFor } from "./ledger.ts";
import { applyEvent, emptyState, type State } from "./state.ts";

export type World = {
  readonly seed: Seed;
  readonly clock: VirtualClock;
  readonly ledger: Ledger;
  /** Replaced as a whole by `forget`: never keep it. */
  readonly state: State;
  /** The app's own subscription, primary and secondary key: what wallets get unless they bring another. */
  readonly subscriptionKeys: string[];
  /** Applies the event, then writes it down. */
  record(event: SimulatorEvent): void;
  /** Called after each recorded event. */
  onEvent(listener: (event: SimulatorEvent) => void): void;
  /** Back to the beginning of the seed, the journal included. */
  forget(): void;
};

export function openWorld(seed: Seed, clock: VirtualClock, journal: Journal<SimulatorEvent>): World {
  let state = emptyState();
  for (const event of journal.past) applyEvent(state, event);
  const listeners: ((event: SimulatorEvent) => void)[] = [];
  return {
    seed,
    clock,
    ledger: ledgerFor(seed),
    get state() {
      return state;
    },
    subscriptionKeys: ["primary", "secondary"].map((which) => secretFor(seed, "subscription key", which)),
    record(given) {
      // What the journal could not be read back with must not happen in the first place.
      const event = eventSchema.parse(given);
      applyEvent(state, event);
      journal.append(event);
      for (const listener of listeners) listener(event);
    },
    onEvent: (listener) => void listeners.push(listener),
    forget() {
      state = emptyState();
      journal.clear();
    },
  };
}

/** One of the hosts at which MTN answers: the sandbox, production before the 2026 migration, production after it. */
export type Platform = {
  name: string;
  /**
   * The platform of the 2026 migration: X-Target-Environment is mandatory for a token, URL-encoded Basic credentials
   * break it, and some user agents are turned away (reported by a client's author).
   */
  newPlatform: boolean;
  /** Only the sandbox makes API users over HTTP; in production the Partner Portal does. */
  provisioning: boolean;
};
