import type { Environment } from "../../db/environment.ts";
import type { PlatformSource } from "../../db/queries/runs.ts";
import type { Platform } from "../@sync/platform.ts";
import { createMomoPlatform } from "./momo/platform.ts";
import { createMonoPlatform } from "./mono/platform.ts";

/** A platform that is on, and where its accounts are reached that have no address of their own. */
export type PlatformSetup = { platform: Platform; baseUrl: string };

/**
 * The platforms that the environment has keys for; the others are off. Throws InsecureUrlError.
 *
 * @param options.deadlineMs how long one request may take, whatever it is for; each client has its own unless told
 */
export function createPlatforms(
  environment: Environment,
  { deadlineMs }: { deadlineMs?: number | undefined } = {},
): Map<PlatformSource, PlatformSetup> {
  const platforms = new Map<PlatformSource, PlatformSetup>();
  if (environment.MONO_SECRET_KEY !== undefined) {
    const baseUrl = environment.MONO_BASE_URL;
    platforms.set("mono", {
      platform: createMonoPlatform({
        baseUrl,
        secretKey: environment.MONO_SECRET_KEY,
        ...(deadlineMs === undefined ? {} : { deadlineMs }),
      }),
      baseUrl,
    });
  }
  if (environment.MOMO_SUBSCRIPTION_KEY !== undefined) {
    const baseUrl = environment.MOMO_BASE_URL;
    const platform = createMomoPlatform({
      subscriptionKey: environment.MOMO_SUBSCRIPTION_KEY,
      callbackHost: environment.PUBLIC_URL === undefined ? null : new URL(environment.PUBLIC_URL).hostname,
      ...(environment.MADAPI_BASE_URL === undefined ? {} : { statementBaseUrl: environment.MADAPI_BASE_URL }),
      ...(deadlineMs === undefined ? {} : { deadlineMs, tokenDeadlineMs: deadlineMs }),
    });
    platforms.set("mtn_momo", { platform, baseUrl });
  }
  return platforms;
}
