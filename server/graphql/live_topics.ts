import type { GrafastSubscriber } from "postgraphile/grafast";
import type { Identity } from "../identity.ts";
import type { LiveEvent, LiveEvents } from "../live_events.ts";
import type { LiveTopics } from "./context.ts";

/** The live events of one user, by topic. Nobody's are none. */
export function liveTopics(events: LiveEvents, identity: Identity | null): GrafastSubscriber<LiveTopics> {
  return {
    async subscribe(topic) {
      if (identity === null) return nothing();
      const [kind = "", accountId] = topic.split(" ");
      return events.subscribe(identity, (event) => {
        // An account's state is told by its row and by its open run.
        const isMeant = event.kind === kind || (kind === "accounts" && event.kind === "runs");
        return isMeant && (accountId === undefined || accountOf(event) === accountId.toLowerCase());
      });
    },
  };
}

const accountOf = (event: LiveEvent): string | null => ("accountId" in event ? event.accountId : null);

async function* nothing(): AsyncGenerator<LiveEvent> {}
