import {
  beginUnlinkings,
  confirmUnlinkings,
  recordUnlinkFailures,
  type Unlinking,
} from "../../db/queries/unlinkings.ts";
import type { PlatformSource } from "../../db/queries/runs.ts";
import type { Queryable } from "../../db/queryable.ts";
import { externalIdHmac } from "../@linking/identity.ts";
import { QuotaWaitError } from "../@quota/quota_wait.ts";
import type { Platform, SyncFailure } from "../@sync/platform.ts";

/** How one unlinking went. `kept`: the account was linked anew meanwhile, so that its secrets are not this link's. */
export type UnlinkReport = Unlinking &
  ({ outcome: "dropped" | "kept" | "stale" } | { outcome: "failed"; failure: SyncFailure; error: unknown });

export type UnlinkMeans = {
  db: Queryable;
  /** Those that can be asked now. */
  platforms: ReadonlyMap<PlatformSource, Pick<Platform, "unlink" | "explain">>;
  identityKey: Buffer;
  permit: (platform: PlatformSource) => Promise<void>;
  signal: AbortSignal;
};

/** One request; it is never part of a run, so that no run's cap stops it. */
const LONGEST_CALL_MS = 60_000;

/**
 * Unlinks at the providers what is due, one after another, and tells of each. Every step may be lost and done again: a
 * claim runs out, and a provider that is told twice has forgotten the account already.
 *
 * A platform that fails gets no further request: the others would fail as well, and find their delays grown.
 */
export async function* unlinkDue(means: UnlinkMeans, accountId: string | null): AsyncGenerator<UnlinkReport> {
  const platforms = new Set(means.platforms.keys());
  while (!means.signal.aborted) {
    const [unlinking] = await beginUnlinkings(means.db, [...platforms], accountId);
    if (unlinking === undefined) return;
    const report = await unlinkOne(means, unlinking);
    if (report.outcome === "failed") platforms.delete(unlinking.platform);
    yield report;
  }
}

async function unlinkOne(means: UnlinkMeans, unlinking: Unlinking): Promise<UnlinkReport> {
  const { db, identityKey } = means;
  const { id, platform, externalId, now } = unlinking;
  const signal = AbortSignal.any([means.signal, AbortSignal.timeout(LONGEST_CALL_MS)]);
  const asked = means.platforms.get(platform);
  try {
    await asked?.unlink?.(externalId, { signal, permit: () => means.permit(platform) });
  } catch (error) {
    const failure =
      error instanceof QuotaWaitError
        ? waitsForQuota(error, now)
        : await explain(asked, error, { signal, now: () => now });
    await recordUnlinkFailures(db, [{ id, ...failure }]);
    return { ...unlinking, outcome: "failed", failure, error };
  }
  const [confirmed] = await confirmUnlinkings(db, [
    { id, externalIdHmac: externalIdHmac(identityKey, platform, externalId).toString("base64") },
  ]);
  if (confirmed === undefined) throw new Error("confirm_unlinkings answered nothing");
  return { ...unlinking, outcome: confirmed.outcome };
}

async function explain(
  platform: Pick<Platform, "explain"> | undefined,
  error: unknown,
  context: Parameters<Platform["explain"]>[1],
): Promise<SyncFailure> {
  if (platform === undefined) throw error;
  return platform.explain(error, context);
}

const waitsForQuota = (error: QuotaWaitError, now: Date): SyncFailure => ({
  kind: "rate_limited",
  message: "Our own quota had no room.",
  code: null,
  retryAt: new Date(now.getTime() + error.waitMs).toISOString(),
});
