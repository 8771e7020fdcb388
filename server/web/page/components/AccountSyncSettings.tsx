import { type ReactNode, useId, useState } from "react";
import { useMutation } from "urql";
import { useChoice } from "../choice.ts";
import { type AccountsQuery, ChooseSyncSettingsDocument, type PlatformSource } from "../graphql/operations.ts";
import { type Speech, useSpeech } from "../words/language.tsx";

export type Setting = AccountsQuery["syncSettings"][number];

/** Minutes between syncs that are offered; the server takes 15 minutes to 30 days. */
const CHOICES = [15, 30, 60, 360, 720, 1440, 2880, 10_080];
const DAY = 1440;

type Choice = { minutes: number | null; hour: number | null; notify: boolean };

/** How often, and at about which hour, a user's accounts of one platform are synced, and whether they are told of trouble. */
export function AccountSyncSettings({
  platformSource,
  label,
  setting,
}: {
  platformSource: PlatformSource;
  label: string;
  setting: Setting | undefined;
}): ReactNode {
  const { words, formats } = useSpeech();
  const id = useId();
  const [{ fetching }, choose] = useMutation(ChooseSyncSettingsDocument);
  const [outcome, setOutcome] = useState<"saved" | "failed" | null>(null);
  const { shown, choose: show } = useChoice(choiceOf(setting));

  async function save(change: Partial<Choice>): Promise<void> {
    const next = { ...shown, ...change };
    setOutcome(null);
    const hasHour = next.minutes === null || next.minutes >= DAY;
    const hour = hasHour ? next.hour : null;
    const became = await show(next, async () => {
      const { error } = await choose({
        platformSource,
        notificationsEnabled: next.notify,
        ...(next.minutes === null ? {} : { syncInterval: intervalOf(next.minutes) }),
        ...(hour === null ? {} : { preferredHour: hour, timeZone: formats.timeZone }),
      });
      return error === undefined;
    });
    if (became !== "overtaken") setOutcome(became);
  }

  const offered = shown.minutes === null || CHOICES.includes(shown.minutes) ? CHOICES : [...CHOICES, shown.minutes];
  return (
    <fieldset className="settings" aria-busy={fetching}>
      <legend className="unseen">{words.settings.titleFor(label)}</legend>
      <div className="field">
        <label htmlFor={`${id}-often`}>{words.settings.frequency}</label>
        <select
          id={`${id}-often`}
          value={shown.minutes ?? ""}
          onChange={({ target }) => void save({ minutes: target.value === "" ? null : Number(target.value) })}
        >
          <option value="">{words.settings.automatic}</option>
          {offered.map((minutes) => (
            <option key={minutes} value={minutes}>
              {spoken(minutes, words)}
            </option>
          ))}
        </select>
      </div>
      <div className="field">
        <label htmlFor={`${id}-hour`}>{words.settings.hour}</label>
        <select
          id={`${id}-hour`}
          value={shown.hour ?? ""}
          disabled={shown.minutes !== null && shown.minutes < DAY}
          onChange={({ target }) => void save({ hour: target.value === "" ? null : Number(target.value) })}
        >
          <option value="">{words.settings.anyHour}</option>
          {Array.from({ length: 24 }, (_, hour) => (
            <option key={hour} value={hour}>
              {formats.hour(hour)}
            </option>
          ))}
        </select>
      </div>
      <label className="check">
        <input
          type="checkbox"
          checked={shown.notify}
          onChange={({ target }) => void save({ notify: target.checked })}
        />
        {words.settings.notifications}
      </label>
      <p className={`settings-outcome ${outcome === "failed" ? "problem" : ""}`} role="status">
        {fetching ? words.settings.saving : outcome === null ? "" : words.settings[outcome]}
      </p>
    </fieldset>
  );
}

/** "Every 15 minutes", "Once a day". */
export function spokenFrequency(setting: Setting | undefined, words: Speech["words"]): string {
  const { minutes } = choiceOf(setting);
  return minutes === null ? words.settings.automatic : spoken(minutes, words);
}

function choiceOf(setting: Setting | undefined): Choice {
  const interval = setting?.syncInterval ?? null;
  const minutes =
    interval === null ? null : (interval.days ?? 0) * DAY + (interval.hours ?? 0) * 60 + (interval.minutes ?? 0);
  return { minutes, hour: setting?.preferredHour ?? null, notify: setting?.notificationsEnabled ?? true };
}

const intervalOf = (minutes: number): { days: number } | { minutes: number } =>
  minutes % DAY === 0 ? { days: minutes / DAY } : { minutes };

function spoken(minutes: number, { settings }: Speech["words"]): string {
  if (minutes % DAY === 0) return settings.days(minutes / DAY);
  return minutes % 60 === 0 ? settings.hours(minutes / 60) : settings.minutes(minutes);
}
