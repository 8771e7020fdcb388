import type { ReactNode } from "react";
import { useNow } from "../clock.ts";
import type { AccountsQuery } from "../graphql/operations.ts";
import { useSpeech } from "../words/language.tsx";

export type Platform = AccountsQuery["platformSyncStatus"][number];

/** "Last synced via Mono 5 min ago", or via MTN MoMo API; and what holds the whole platform up, if anything does. */
export function PlatformSyncStatus({ platform }: { platform: Platform }): ReactNode {
  const { words, formats } = useSpeech();
  const now = useNow();
  const { label, lastSyncedAt, nextSyncAt, pausedUntil, providerDownUntil, runningAccounts } = platform;
  const isAhead = (instant: string | null): instant is string =>
    instant !== null && Date.parse(instant) > now.getTime();
  const parts = [
    lastSyncedAt === null
      ? words.platform.neverSynced(label)
      : words.platform.synced(label, formats.ago(lastSyncedAt, now)),
  ];
  if (providerDownUntil !== null) parts.push(words.platform.down(label, formats.moment(providerDownUntil, now)));
  else if (isAhead(pausedUntil)) parts.push(words.platform.pausedUntil(formats.moment(pausedUntil, now)));
  else if (isAhead(nextSyncAt) && runningAccounts === 0)
    parts.push(words.platform.next(formats.moment(nextSyncAt, now)));
  return <p className="platform-status">{parts.join(" · ")}</p>;
}
