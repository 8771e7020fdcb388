import type { VirtualClock } from "../clock.ts";
import { EventSourced } from "../event_sourced.ts";
import type { Journal } from "../journal.ts";
import type { Seed } from "../random.ts";
import { eventSchema, type SentNotification, type Settings, type SimulatorEvent } from "./events.ts";

export type User = { subscribed: boolean; tags: Record<string, string> };

/** What one idempotency key has led to. */
export type KeyCount = {
  /** Notifications made: more than one only where the key was used again after 30 days. */
  created: number;
  /** Answers given again. */
  replayed: number;
};

type FirstAnswer = { at: number; body: unknown };

export type State = {
  users: Map<string, User>;
  notifications: SentNotification[];
  firstAnswers: Map<string, FirstAnswer>;
  keys: Map<string, KeyCount>;
  settings: Settings;
  clockOffsetMs: number;
};

const KEY_LIFETIME_MS = 30 * 24 * 3_600_000;

export class World extends EventSourced<State, SimulatorEvent> {
  constructor(seed: Seed, clock: VirtualClock, journal: Journal<SimulatorEvent>) {
    super(seed, clock, journal, { empty: emptyState, apply: applyEvent, event: eventSchema });
  }

  /** The body that this key was first answered with, in the last 30 days. */
  firstAnswer(key: string): FirstAnswer | undefined {
    const first = this.state.firstAnswers.get(key);
    return first !== undefined && this.clock.now() < first.at + KEY_LIFETIME_MS ? first : undefined;
  }
}

function emptyState(): State {
  return {
    users: new Map(),
    notifications: [],
    firstAnswers: new Map(),
    keys: new Map(),
    settings: { unknownAliases: "object", retryAfter: true, refusedKey: 403 },
    clockOffsetMs: 0,
  };
}

function applyEvent(state: State, event: SimulatorEvent): void {
  switch (event.kind) {
    case "user_put": {
      const { tags = {} } = state.users.get(event.externalId) ?? {};
      state.users.set(event.externalId, { subscribed: event.subscribed, tags });
      return;
    }
    case "user_removed":
      state.users.delete(event.externalId);
      return;
    case "tags_set": {
      const user = state.users.get(event.externalId);
      if (user === undefined) return;
      const kept = Object.entries({ ...user.tags, ...event.tags }).filter(([, value]) => value !== "");
      user.tags = Object.fromEntries(kept);
      return;
    }
    case "answered":
      if (event.notification !== null) state.notifications.push(event.notification);
      if (event.key === null) return;
      state.firstAnswers.set(event.key, { at: event.at, body: event.body });
      countFor(state, event.key).created += event.notification === null ? 0 : 1;
      return;
    case "replayed":
      countFor(state, event.key).replayed += 1;
      return;
    case "settings_changed":
      state.settings = { ...state.settings, ...event.settings };
      return;
    case "clock_moved":
      state.clockOffsetMs = event.offsetMs;
      return;
  }
}

function countFor(state: State, key: string): KeyCount {
  const known = state.keys.get(key);
  if (known !== undefined) return known;
  const count = { created: 0, replayed: 0 };
  state.keys.set(key, count);
  return count;
}
