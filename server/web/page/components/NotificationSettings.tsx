import { type ReactNode, useId, useState } from "react";
import { useMutation, useQuery } from "urql";
import { useChoice } from "../choice.ts";
import {
  ChooseNotificationSettingsDocument,
  NotificationSettingsDocument,
  type PreferencePartsFragment,
} from "../graphql/operations.ts";
import { useSpeech } from "../words/language.tsx";
import { PushOptIn } from "./PushOptIn.tsx";

type Choice = Partial<
  Pick<PreferencePartsFragment, "paused" | "quietFrom" | "quietHours" | "quietTo" | "tellRecovery">
>;

/** How a person is told: on this device, in the night, of good news, or not at all. Each choice stands for itself. */
export function NotificationSettings(): ReactNode {
  const { words, formats } = useSpeech();
  const id = useId();
  const [{ data }] = useQuery({ query: NotificationSettingsDocument });
  const [, choose] = useMutation(ChooseNotificationSettingsDocument);
  const [hasFailed, setFailed] = useState(false);
  const { shown, choose: show } = useChoice(data?.notificationPreferences ?? null);
  if (shown === null) return null;

  async function save(choice: Choice): Promise<void> {
    if (shown === null) return;
    setFailed(false);
    const became = await show({ ...shown, ...choice }, async () => {
      const { error } = await choose({ choice: { ...choice, timeZone: formats.timeZone } });
      return error === undefined;
    });
    setFailed(became === "failed");
  }

  const check = (name: "paused" | "quietHours" | "tellRecovery", label: string): ReactNode => (
    <label className="check">
      <input type="checkbox" checked={shown[name]} onChange={({ target }) => void save({ [name]: target.checked })} />
      {label}
    </label>
  );
  const time = (name: "quietFrom" | "quietTo", label: string): ReactNode => (
    <label htmlFor={`${id}-${name}`}>
      {label}
      <input
        id={`${id}-${name}`}
        type="time"
        value={shown[name]}
        disabled={!shown.quietHours}
        onChange={({ target }) => {
          if (target.value !== "") void save({ [name]: target.value });
        }}
      />
    </label>
  );
  return (
    <details className="more notification-settings">
      <summary>{words.notifications.settings}</summary>
      <PushOptIn isOffer={false} />
      {check("tellRecovery", words.notifications.tellRecovery)}
      {check("quietHours", words.notifications.quietHours)}
      <p className="quiet-hours">
        {time("quietFrom", words.notifications.from)}
        {time("quietTo", words.notifications.to)}
      </p>
      {check("paused", words.notifications.paused)}
      <p className="problem" role="alert">
        {hasFailed ? words.settings.failed : ""}
      </p>
    </details>
  );
}
