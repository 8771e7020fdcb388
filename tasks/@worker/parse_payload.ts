import type { Job } from "graphile-worker";
import type { z } from "zod";
import type { Log } from "../../db/log.ts";

/**
 * The payload of a job, or null when it is malformed. Then the job ends at once with a logged reason and is never
 * retried: it will not get better. Its content is not logged, only where it is wrong.
 */
export function parsePayload<T>(log: Log, job: Job, schema: z.ZodType<T>, raw: unknown): T | null {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map((issue) => issue.path.join(".") || "the payload itself").join(", ");
  log.error({ job_id: job.id, task: job.task_identifier }, "job ended: malformed payload at %s", where);
  return null;
}
