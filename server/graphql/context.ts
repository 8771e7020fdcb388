import type { GrafastSubscriber } from "postgraphile/grafast";
import type { Identity } from "../identity.ts";
import type { LiveEvent } from "../live_events.ts";
import type { Linking } from "../linking.ts";

/** What a subscription may listen to; each topic gives events of the caller's own. */
export type LiveTopics = Record<string, LiveEvent>;

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- how Grafast wants its context extended
  namespace Grafast {
    interface Context {
      /** Null: nobody is signed in. */
      identity: Identity | null;
      linking: Linking;
      live: GrafastSubscriber<LiveTopics>;
    }
  }
}
