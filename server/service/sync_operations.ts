import { z } from "zod";
import { platformSource } from "../../db/queries/runs.ts";
import {
  requestAccountSync,
  requestSyncs,
  type SyncCounts,
  syncRequestOutcome,
} from "../../db/queries/sync_requests.ts";
import type { Queryable } from "../../db/queryable.ts";
import { nothing, operation, type Operation } from "../routes/operation.ts";

const count = z.int().nonnegative();
const countFields = {
  queued: count.describe("Due now, or at its place in the row that the provider's quota allows"),
  running: count.describe("A run is open; it brings what this one would"),
  cooling_down: count.describe("Tried within the cooldown"),
  needs_you: count.describe("The link waits for its owner"),
  paused: count.describe("The account, or its platform, is paused"),
  provider_down: count.describe("The institution, or the platform, is down"),
};
const counts = z.strictObject(countFields);

/** An empty body, or none. */
const noBody = nothing.nullish();

const noCounts: SyncCounts = { queued: 0, running: 0, cooling_down: 0, needs_you: 0, paused: 0, provider_down: 0 };

function sum(a: SyncCounts, b: SyncCounts): SyncCounts {
  return {
    queued: a.queued + b.queued,
    running: a.running + b.running,
    cooling_down: a.cooling_down + b.cooling_down,
    needs_you: a.needs_you + b.needs_you,
    paused: a.paused + b.paused,
    provider_down: a.provider_down + b.provider_down,
  };
}

const common = { method: "POST", tag: "sync", security: "serviceToken", params: nothing, query: nothing } as const;
const problems = [400, 401, 413, 415, 429, 500] as const;
const PACE =
  "Adds no job an account: the accounts fall due one after another, the longest unsynced first, at the pace of the " +
  "provider's quota, and all of them drain. Asking again moves nobody back.";

/** The endpoints by which a backend asks for syncs. */
export function syncOperations(db: Queryable): Operation[] {
  return [
    operation({
      ...common,
      path: "/sync/background",
      id: "syncBackground",
      summary: "Sync all accounts of both platforms",
      description: PACE,
      body: noBody,
      answers: {
        202: {
          description: "How many accounts got which answer, together and by platform",
          schema: z.strictObject({ ...countFields, platforms: z.strictObject({ mono: counts, mtn_momo: counts }) }),
        },
      },
      problems,
      async run(_, request) {
        const mono = await requestSyncs(db, "mono");
        const momo = await requestSyncs(db, "mtn_momo");
        const all = sum(mono, momo);
        request.log.info({ service: request.serviceAccount, ...all }, "syncs of all platforms requested");
        return { status: 202, body: { ...all, platforms: { mono, mtn_momo: momo } } };
      },
    }),
    ...(["mono", "mtn_momo"] as const).map((platform) =>
      operation({
        ...common,
        path: platform === "mono" ? "/sync/mono" : "/sync/mtn-momo",
        id: platform === "mono" ? "syncMono" : "syncMtnMomo",
        summary: platform === "mono" ? "Sync all Mono bank accounts" : "Sync all MTN MoMo accounts",
        description: PACE,
        body: noBody,
        answers: { 202: { description: "How many accounts got which answer", schema: counts } },
        problems,
        async run(_, request) {
          const found = await requestSyncs(db, platform);
          request.log.info({ service: request.serviceAccount, platform, ...found }, "syncs of a platform requested");
          return { status: 202, body: found };
        },
      }),
    ),
    operation({
      ...common,
      path: "/sync/account/{id}",
      id: "syncAccount",
      summary: "Sync one account, of whichever platform it is",
      description: "First in line, and judged as its owner's Sync now is.",
      params: z.strictObject({ id: z.guid().describe("The account's id") }),
      body: noBody,
      answers: {
        202: {
          description: "The answer, and the same as counts",
          schema: z.strictObject({
            platform_source: platformSource,
            outcome: syncRequestOutcome,
            until: z.iso.datetime().nullable().describe("Until when the answer stands, where that is known"),
            ...countFields,
          }),
        },
      },
      problems: [...problems, 404],
      async run({ params: { id } }, request) {
        const { platform_source, outcome, until } = await requestAccountSync(db, id);
        request.log.info({ service: request.serviceAccount, account_id: id, outcome }, "sync of an account requested");
        const counted = { ...noCounts, [outcome === "already_running" ? "running" : outcome]: 1 };
        return { status: 202, body: { platform_source, outcome, until: until?.toISOString() ?? null, ...counted } };
      },
    }),
  ];
}
