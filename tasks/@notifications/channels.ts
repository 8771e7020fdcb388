import type { Environment } from "../../db/environment.ts";
import { listPushServices } from "../../db/queries/push_services.ts";
import type { Queryable } from "../../db/queryable.ts";
import { createOneSignal, type OneSignalChannel } from "../@channels/onesignal/channel.ts";
import { createWebPush, type WebPushChannel } from "../@channels/web_push/channel.ts";
import { createHttpClient } from "../@http/client.ts";

/** The ways to push that this process has keys for; null: that one is off. */
export type Channels = {
  oneSignal: OneSignalChannel | null;
  webPush: WebPushChannel | null;
  close(): Promise<void>;
};

/** Throws InsecureUrlError. */
export function createChannels(
  environment: Environment,
  db: Queryable,
  options: { deadlineMs?: number | undefined } = {},
): Channels {
  const http = createHttpClient();
  const deadline = options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs };
  const { ONESIGNAL_BASE_URL: baseUrl, ONESIGNAL_APP_ID: appId, ONESIGNAL_API_KEY: apiKey } = environment;
  const { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey, VAPID_SUBJECT: subject } = environment;
  return {
    oneSignal:
      appId === undefined || apiKey === undefined
        ? null
        : createOneSignal({ http, baseUrl, appId, apiKey, ...deadline }),
    webPush:
      publicKey === undefined || privateKey === undefined || subject === undefined
        ? null
        : createWebPush({
            http,
            vapid: { publicKey, privateKey, subject },
            services: () => listPushServices(db),
            ...deadline,
          }),
    close: () => http.close(),
  };
}
