import type { ReactNode } from "react";
import { useNow } from "../clock.ts";
import type { RunPartsFragment } from "../graphql/operations.ts";
import { isRecord } from "../session.ts";
import { type Speech, useSpeech } from "../words/language.tsx";

/** An account's latest runs, each as a sentence: what was looked at, found, changed and left out, and when the next came. */
export function SyncLogList({ runs }: { runs: readonly RunPartsFragment[] }): ReactNode {
  const speech = useSpeech();
  const { words, formats } = speech;
  const now = useNow();
  if (runs.length === 0) return <p className="quiet">{words.activity.noRuns}</p>;
  return (
    <ul className="runs">
      {runs.map((run) => (
        <li key={run.id} className={`run run-${run.status}`}>
          <p className="run-head">
            <strong>{verdictOf(run, words)}</strong>
            <time dateTime={run.syncStartedAt}>{formats.moment(run.syncStartedAt, now)}</time>
            <span className="quiet">{words.trigger[run.trigger]}</span>
          </p>
          <p className="run-told">{toldBy(run, speech, now)}</p>
        </li>
      ))}
    </ul>
  );
}

function verdictOf({ status }: RunPartsFragment, { activity }: Speech["words"]): string {
  switch (status) {
    case "in_progress":
      return activity.running;
    case "success":
      return activity.success;
    case "failed":
      return activity.failedRun;
    case "auth_error":
      return activity.auth_error;
  }
}

/** "Looked at 1–25 Nov: 3 new, 1 changed, next tomorrow, 06:10." */
function toldBy(run: RunPartsFragment, { words, formats }: Speech, now: Date): string {
  const { activity } = words;
  const days = daysOf(run.windows);
  const looked =
    days === null ? (run.status === "success" ? activity.lookedNow : "") : activity.looked(formats.days(...days, now));
  const counts = [
    ...(run.newCount > 0 ? [activity.found(run.newCount)] : []),
    ...(run.changedCount > 0 ? [activity.changedCount(run.changedCount)] : []),
    ...(run.removedCount > 0 ? [activity.removedCount(run.removedCount)] : []),
    ...(run.refusedCount > 0 ? [activity.refused(run.refusedCount, refusalsOf(run.refusals, words, formats))] : []),
  ];
  if (counts.length === 0 && run.status === "success") counts.push(activity.nothing);
  const why = run.failureKind === null ? "" : words.failure[run.failureKind];
  const next = run.nextSyncAt === null ? "" : activity.next(formats.moment(run.nextSyncAt, now));
  const facts = [looked, counts.join(", "), next].filter(Boolean).join(" · ");
  const told = facts === "" ? "" : `${facts.charAt(0).toLocaleUpperCase(formats.locale)}${facts.slice(1)}`;
  return [why, told].filter(Boolean).join(" ");
}

/** The first and the last day of all windows; null where none were read. */
function daysOf(windows: unknown): [from: string, to: string] | null {
  const all: unknown[] = Array.isArray(windows) ? windows : [];
  const days = all.flatMap((window) => {
    if (!isRecord(window)) return [];
    const { from, to } = window;
    return typeof from === "string" && typeof to === "string" ? [from, to] : [];
  });
  const sorted = days.toSorted();
  const [first] = sorted;
  const last = sorted.at(-1);
  return first === undefined || last === undefined ? null : [first, last];
}

function refusalsOf(refusals: unknown, { refusal }: Speech["words"], formats: Speech["formats"]): string {
  if (!isRecord(refusals)) return "";
  const known = Object.entries(refusal).flatMap(([reason, spoken]) => (reason in refusals ? [spoken] : []));
  return formats.list(known);
}
