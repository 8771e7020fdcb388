import type { Rotation } from "../tasks/@credentials/rotate.ts";

/** How far a rotation is, in one line. */
export const progressLine = ({ resealed, unopenable }: Readonly<Rotation>): string =>
  `${resealed} re-sealed${unopenable.length === 0 ? "" : `, ${unopenable.length} cannot be opened`} …`;

/** How a rotation ended and what to do next, in a few lines. Names accounts by id, never a secret. */
export const summaryOf = (
  { resealed, unopenable, complete }: Readonly<Rotation>,
  { keyId, interrupted }: { keyId: string; interrupted: boolean },
): string => {
  const lines = [`${resealed} ${resealed === 1 ? "credential" : "credentials"} re-sealed with key "${keyId}".`];
  for (const { accountId, kind, keyId: lostKeyId } of unopenable.slice(0, MOST_NAMED)) {
    lines.push(`Cannot be opened: ${kind} of account ${accountId}, sealed with key "${lostKeyId}".`);
  }
  if (unopenable.length > MOST_NAMED) lines.push(`… and ${unopenable.length - MOST_NAMED} more.`);
  lines.push(nextStep(unopenable.length, complete, interrupted));
  return lines.join("\n");
};

const MOST_NAMED = 20;

const nextStep = (unopenable: number, complete: boolean, interrupted: boolean): string => {
  if (complete && unopenable === 0) return "Nothing is left under another key: the old ones may be removed.";
  if (complete) return "Everything else is done. Add the missing key and run this again, or link those accounts anew.";
  if (interrupted) return "Stopped before the end: run this again to go on.";
  if (unopenable > 0)
    return "Too many cannot be opened: is a key missing from TIDEMARK_ENCRYPTION_KEYS? Stopped there.";
  return "What is left is being replaced while this runs: do all processes know the new key? Run this again.";
};
