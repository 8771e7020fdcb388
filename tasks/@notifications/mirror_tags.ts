import { beginTagMirror, recordTagMirror } from "../../db/queries/tag_mirrors.ts";
import type { Runtime } from "../@worker/runtime.ts";
import { OFF, sendContext } from "./deliver.ts";

/** Tells OneSignal how a user's accounts stand, unless it knows. */
export async function mirrorTags({ db, log, channels }: Runtime, userId: string, stopping: AbortSignal): Promise<void> {
  const mirror = await beginTagMirror(db, userId);
  if (mirror === null) return;
  const { version, now, mono, mtn_momo } = mirror;
  const outcome =
    channels.oneSignal === null
      ? OFF
      : await channels.oneSignal.mirrorTags(userId, { mono, mtn_momo }, sendContext(now, stopping));
  await recordTagMirror(db, { userId, version, ...outcome });
  if (outcome.kind === "configuration" && outcome !== OFF)
    log.error({ code: outcome.code }, "OneSignal refuses our keys: %s", outcome.reason);
}
