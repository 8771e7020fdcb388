import type { Environment } from "../../db/environment.ts";
import type { PushMessage, DeliveryOutcome, SendContext } from "../@channels/channel.ts";
import { createOneSignal, type OneSignalChannel } from "../@channels/onesignal/channel.ts";
import { createHttpClient } from "../@http/client.ts";

type Subscription = { endpoint: string; p256dh: string; auth: string };

/** The ways to push that this process has keys for; null: that one is off. */
export type Channels = {
  oneSignal: OneSignalChannel | null;
  webPush: { send(message: PushMessage, to: Subscription, context: SendContext): Promise<DeliveryOutcome> } | null;
  close(): Promise<void>;
};

/** Throws InsecureUrlError. */
export function createChannels(environment: Environment, options: { deadlineMs?: number | undefined } = {}): Channels {
  const http = createHttpClient();
  const { ONESIGNAL_BASE_URL: baseUrl, ONESIGNAL_APP_ID: appId, ONESIGNAL_API_KEY: apiKey } = environment;
  const deadline = options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs };
  return {
    oneSignal:
      appId === undefined || apiKey === undefined
        ? null
        : createOneSignal({ http, baseUrl, appId, apiKey, ...deadline }),
    webPush: null,
    close: () => http.close(),
  };
}
