import { type ReactNode, useEffect, useState } from "react";
import { useMutation } from "urql";
import {
  ChooseNotificationSettingsDocument,
  RemovePushSubscriptionDocument,
  SavePushSubscriptionDocument,
} from "../graphql/operations.ts";
import { pageSettings } from "../page_settings.ts";
import { subscribeToPush, unsubscribeFromPush, usePushState, watchPush } from "../push.ts";
import { useSpeech } from "../words/language.tsx";

const NOT_NOW = "tidemark.push.not_now";

/**
 * Switches pushes to this device on and off. As an offer it shows itself only where it can be taken, and not again to
 * somebody who has said "not now": who asks at the first visit gets a no for good.
 */
export function PushOptIn({ isOffer }: { isOffer: boolean }): ReactNode {
  const { words, language, formats } = useSpeech();
  const state = usePushState();
  const [, save] = useMutation(SavePushSubscriptionDocument);
  const [, remove] = useMutation(RemovePushSubscriptionDocument);
  const [, choose] = useMutation(ChooseNotificationSettingsDocument);
  const [hasFailed, setFailed] = useState(false);
  const [isPutOff, setPutOff] = useState(() => localStorage.getItem(NOT_NOW) !== null);
  useEffect(() => {
    pageSettings().then(
      ({ vapidPublicKey }) => watchPush(vapidPublicKey),
      () => undefined, // Offline: then nothing can be switched on anyway.
    );
  }, []);

  async function allow(): Promise<void> {
    setFailed(false);
    try {
      const { vapidPublicKey } = await pageSettings();
      if (vapidPublicKey === null) return;
      const subscription = await subscribeToPush(vapidPublicKey);
      const { endpoint, keys } = subscription?.toJSON() ?? {};
      if (subscription === null) return;
      const { error } = await save({
        endpoint: endpoint ?? "",
        p256dh: keys?.["p256dh"] ?? "",
        auth: keys?.["auth"] ?? "",
      });
      if (error !== undefined) throw error;
      // What wakes a phone speaks its owner's language, and keeps to the nights of where they are.
      await choose({ choice: { language, timeZone: formats.timeZone } });
    } catch {
      await unsubscribeFromPush().catch(() => null);
      setFailed(true);
    }
  }

  async function stop(): Promise<void> {
    const subscription = await unsubscribeFromPush();
    if (subscription !== null) await remove({ endpoint: subscription.endpoint });
  }

  function putOff(): void {
    localStorage.setItem(NOT_NOW, new Date().toISOString());
    setPutOff(true);
  }

  if (state === "unavailable" || (isOffer && (state !== "off" || isPutOff))) return null;
  return (
    <div className={isOffer ? "notice push-offer" : "push-choice"}>
      <p>{state === "on" ? words.push.on : state === "blocked" ? words.push.denied : words.push.offer}</p>
      {state === "off" && (
        <button type="button" className="button" onClick={() => void allow()}>
          {words.push.allow}
        </button>
      )}
      {state === "off" && isOffer && (
        <button type="button" className="button button-plain" onClick={putOff}>
          {words.push.notNow}
        </button>
      )}
      {state === "on" && (
        <button type="button" className="button button-plain" onClick={() => void stop()}>
          {words.push.off}
        </button>
      )}
      <p className="problem" role="alert">
        {hasFailed ? words.push.failed : ""}
      </p>
    </div>
  );
}
