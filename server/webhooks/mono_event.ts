import { z } from "zod";
import type { Webhook } from "../../db/queries/webhooks.ts";

/*
 * Mono's webhooks as far as we keep them (Mono docs, webhooks). Keys are read in the spelling of the webhooks (`_id`), of
 * the API (`id`), and in camel case. A field that is not as documented is left out: a hint may be poor, it is still one.
 */

const id = z
  .string()
  .regex(/^[\w-]{1,100}$/)
  .optional()
  .catch(undefined);

const upper = z
  .string()
  .trim()
  .toUpperCase()
  .regex(/^[A-Z_]{1,40}$/)
  .optional()
  .catch(undefined);

const lower = z
  .string()
  .trim()
  .toLowerCase()
  .pipe(z.enum(["processing", "finished", "failed"]))
  .optional()
  .catch(undefined);

const flag = z.union([z.boolean(), z.stringbool()]).optional().catch(undefined);

const moment = z.iso.datetime({ offset: true }).optional().catch(undefined);

const whom = z.looseObject({ _id: id, id });

const meta = z.looseObject({
  data_status: upper,
  dataStatus: upper,
  sync_status: upper,
  syncStatus: upper,
  job_id: id,
  jobId: id,
  has_new_data: flag,
  hasNewData: flag,
});

const data = z.looseObject({
  _id: id,
  id,
  account: z.union([id.unwrap().unwrap(), whom]).optional().catch(undefined),
  status: lower,
  meta: meta.optional().catch(undefined),
});

const monoEvent = z.looseObject({
  event: z.string(),
  event_id: id,
  eventId: id,
  timestamp: moment,
  data: data.optional().catch(undefined),
});

/** An event's fields that are kept; null for a body that is no event of Mono's. */
export function readMonoEvent(body: unknown): Omit<Webhook, "platform" | "dedupeKey" | "bodyHmac"> | null {
  const parsed = monoEvent.safeParse(body);
  if (!parsed.success) return null;
  const { event, data: about, ...frame } = parsed.data;
  const isJob = event === "mono.accounts.jobs.update";
  const account = typeof about?.account === "string" ? { id: about.account, _id: undefined } : about?.account;
  const own = about?.id ?? about?._id;
  return {
    // Names have no digits; whatever else came is not kept.
    event: /^[A-Za-z_.]{1,100}$/.test(event) ? event : "unnamed",
    eventId: frame.event_id ?? frame.eventId,
    // Only account_connected has the account's id at the top; a job has its own there.
    providerAccountId: account?._id ?? account?.id ?? (isJob ? undefined : own),
    jobId: isJob ? own : (about?.meta?.job_id ?? about?.meta?.jobId),
    status: isJob ? about?.status : undefined,
    dataStatus: about?.meta?.data_status ?? about?.meta?.dataStatus,
    syncStatus: about?.meta?.sync_status ?? about?.meta?.syncStatus,
    hasNewData: about?.meta?.has_new_data ?? about?.meta?.hasNewData,
    occurredAt: frame.timestamp,
  };
}
