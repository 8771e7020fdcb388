import type { VirtualClock } from "../clock.ts";
import { UnknownThing } from "../control_route.ts";
import { EventSourced } from "../event_sourced.ts";
import type { Journal } from "../journal.ts";
import type { Seed } from "../random.ts";
import {
  eventSchema,
  type PushedMessage,
  type Settings,
  type SimulatorEvent,
  type SubscriptionStatus,
} from "./events.ts";
import type { BrowserKeys } from "./open_message.ts";

export type Subscription = {
  id: string;
  keys: BrowserKeys;
  applicationServerKey: string | null;
  status: SubscriptionStatus;
  /** Whether the browser is there to take messages; otherwise they wait, for as long as they live. */
  online: boolean;
  /** In the order in which the browser got them. */
  delivered: PushedMessage[];
  waiting: PushedMessage[];
};

export type State = {
  subscriptions: Map<string, Subscription>;
  accepted: number;
  settings: Settings;
  clockOffsetMs: number;
};

export class World extends EventSourced<State, SimulatorEvent> {
  constructor(seed: Seed, clock: VirtualClock, journal: Journal<SimulatorEvent>) {
    super(seed, clock, journal, { empty: emptyState, apply: applyEvent, event: eventSchema });
  }

  /** @throws UnknownThing */
  subscription(id: string): Subscription {
    const found = this.state.subscriptions.get(id);
    if (found === undefined) throw new UnknownThing(`no subscription ${id}`);
    return found;
  }
}

function emptyState(): State {
  return {
    subscriptions: new Map(),
    accepted: 0,
    settings: { retryAfter: "seconds", maxPayloadBytes: 4_096, maxTtlSeconds: 2_419_200, acceptedStatus: 201 },
    clockOffsetMs: 0,
  };
}

function applyEvent(state: State, event: SimulatorEvent): void {
  switch (event.kind) {
    case "subscribed": {
      const { id, p256dh, auth, privateKey, applicationServerKey, online } = event;
      const keys = { p256dh, auth, privateKey };
      const fresh = { status: "active" as const, delivered: [], waiting: [] };
      state.subscriptions.set(id, { id, keys, applicationServerKey, online, ...fresh });
      return;
    }
    case "status_changed": {
      const subscription = state.subscriptions.get(event.id);
      if (subscription !== undefined) subscription.status = event.status;
      return;
    }
    case "online_changed": {
      const subscription = state.subscriptions.get(event.id);
      if (subscription === undefined) return;
      subscription.online = event.online;
      if (event.online) takeWaiting(subscription, event.at);
      return;
    }
    case "accepted":
      state.accepted += 1;
      keep(state.subscriptions.get(event.id), event.message);
      return;
    case "settings_changed":
      state.settings = { ...state.settings, ...event.settings };
      return;
    case "clock_moved":
      state.clockOffsetMs = event.offsetMs;
      return;
  }
}

function keep(subscription: Subscription | undefined, message: PushedMessage): void {
  if (subscription === undefined) return;
  if (subscription.online) {
    subscription.delivered.push(message);
    return;
  }
  // A newer message of a topic replaces one that still waits (RFC 8030, 5.4); what may not wait at all is dropped.
  const others = subscription.waiting.filter(({ topic }) => topic === null || topic !== message.topic);
  subscription.waiting = message.ttlSeconds === 0 ? others : [...others, message];
}

function takeWaiting(subscription: Subscription, now: number): void {
  const alive = subscription.waiting.filter(({ at, ttlSeconds }) => now < at + ttlSeconds * 1_000);
  subscription.delivered.push(...alive);
  subscription.waiting = [];
}
