import type { Task } from "graphile-worker";
import { logAbout } from "../db/log.ts";
import { completeErasures } from "../db/queries/unlinkings.ts";
import { identityKeyOf } from "./@linking/identity_key.ts";
import { unlinkDue } from "./@unlinking/unlink_due.ts";
import { currentRuntime } from "./@worker/current_runtime.ts";
import { parsePayload } from "./@worker/parse_payload.ts";
import { payloads } from "./@worker/payloads.ts";

/**
 * Tells providers of links that have ended, until they confirm: of one account, `{accountId}`, or of all that are due.
 * Then forgets the people who were only waiting for that.
 */
const task: Task = async (raw, { job, abortSignal }) => {
  const runtime = await currentRuntime();
  const { db, keyring, log } = runtime;
  const payload = parsePayload(log, job, payloads.unlinkAccount, raw);
  if (payload === null) return;
  const means = {
    db,
    platforms: new Map([...runtime.platforms].map(([name, { platform }]) => [name, platform])),
    identityKey: await identityKeyOf(db, keyring),
    permit: async (platform: Parameters<typeof runtime.quotas.get>[0]) => runtime.quotas.get(platform)?.permit(false),
    signal: abortSignal,
  };
  for await (const report of unlinkDue(means, payload.accountId ?? null)) {
    const about = logAbout(log, { accountId: report.accountId, platform: report.platform });
    if (report.outcome === "failed") {
      const { kind, message } = report.failure;
      about.warn({ failure_kind: kind, err: report.error }, "unlinking not confirmed: %s", message);
    } else {
      about.info({ outcome: report.outcome }, "unlinking confirmed");
    }
  }
  for (const erasure of await completeErasures(db)) log.info({ erasure }, "a person was forgotten");
};

export default task;
