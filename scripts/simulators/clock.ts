/**
 * The simulators' idea of "now": machine time plus an offset, so that a virtual week passes when somebody says so.
 * All moments are milliseconds since 1970 in UTC.
 */

/** One way to move a clock: to a moment, to a distance from machine time, or forward by so much. */
export type ClockMove = { now: number } | { offsetMs: number } | { advanceMs: number };

export type VirtualClock = {
  now(): number;
  /** Machine time, which no move changes. */
  machineNow(): number;
  readonly offsetMs: number;
  /** Moves the clock, then tells every listener. */
  move(move: ClockMove): void;
  /** Called after each move (not as time passes by itself). Returns the way to stop listening. */
  onMove(listener: () => void): () => void;
};

/** @param machineNow a fixed function makes a clock that stands still between moves: what tests want. */
export function virtualClock(machineNow: () => number = Date.now): VirtualClock {
  let offsetMs = 0;
  const listeners = new Set<() => void>();
  return {
    now: () => machineNow() + offsetMs,
    machineNow,
    get offsetMs() {
      return offsetMs;
    },
    move(move) {
      if ("now" in move) offsetMs = move.now - machineNow();
      else if ("offsetMs" in move) offsetMs = move.offsetMs;
      else offsetMs += move.advanceMs;
      for (const listener of listeners) listener();
    },
    onMove(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
