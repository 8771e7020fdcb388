import type { z } from "zod";
import type { VirtualClock } from "./clock.ts";
import type { Journal } from "./journal.ts";
import type { Seed } from "./random.ts";

/** A simulator's state as the fold of its events: nothing else changes it, so that a journal of them brings it back. */
export class EventSourced<State, Event> {
  readonly seed: Seed;
  readonly clock: VirtualClock;
  /** Replaced as a whole by `forget`: never keep it. */
  state: State;
  readonly #journal: Journal<Event>;
  readonly #rules: { empty: () => State; apply: (state: State, event: Event) => void; event: z.ZodType<Event> };

  constructor(
    seed: Seed,
    clock: VirtualClock,
    journal: Journal<Event>,
    rules: { empty: () => State; apply: (state: State, event: Event) => void; event: z.ZodType<Event> },
  ) {
    this.seed = seed;
    this.clock = clock;
    this.#journal = journal;
    this.#rules = rules;
    this.state = rules.empty();
    for (const event of journal.past) rules.apply(this.state, event);
  }

  /** Applies the event, then writes it down. */
  record(given: Event): void {
    // What the journal could not be read back with must not happen in the first place.
    const event = this.#rules.event.parse(given);
    this.#rules.apply(this.state, event);
    this.#journal.append(event);
  }

  /** Back to an empty beginning, the journal included. */
  forget(): void {
    this.state = this.#rules.empty();
    this.#journal.clear();
  }
}
