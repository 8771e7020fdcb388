import { z } from "zod";
import type { PlatformState } from "../../@sync/platform.ts";

const memory = z.object({
  /** The last refresh that we asked for, by Mono's id; null where Mono named none. */
  jobId: z.string().nullable(),
  /** When we asked for it, null when none is remembered. */
  jobStartedAt: z.iso.datetime().nullable(),
  /** How often we have waited for it. */
  waits: z.int().nonnegative(),
  /** The start of the last refresh that finished: what Mono's cache speaks for. */
  dataAsOf: z.iso.datetime().nullable(),
  /** When Mono told, by a webhook, that it had refreshed its cache by itself. Written by db/functions/judge_webhook.sql. */
  refreshedAt: z.iso.datetime().nullable().default(null),
  /** When the account's details last said that balance and transactions are all there, and we took them over. */
  completeAt: z.iso.datetime().nullable(),
  /** How many rows the newest window had then; null when it was not read to its end. */
  newestTotal: z.int().nonnegative().nullable(),
});

/** What Mono's platform keeps between the runs of an account. */
export type MonoMemory = z.infer<typeof memory>;

const BLANK: MonoMemory = {
  jobId: null,
  jobStartedAt: null,
  waits: 0,
  dataAsOf: null,
  refreshedAt: null,
  completeAt: null,
  newestTotal: null,
};

/** What is remembered; nothing, where it was written by a version with other habits. Forgetting costs a request. */
export function recall(state: PlatformState): MonoMemory {
  const parsed = memory.safeParse(state);
  return parsed.success ? parsed.data : BLANK;
}
