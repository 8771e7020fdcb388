import { useSyncExternalStore } from "react";

/** Whether the server can be reached, as far as this tab has seen; and when it last answered. */
export type Connection = { isOnline: boolean; lastAnswerAt: string | null };

const KEY = "tidemark.last_answer";

let current: Connection = { isOnline: true, lastAnswerAt: null };
const listeners = new Set<() => void>();
const returns = new Set<() => void>();

function set(next: Connection): void {
  const isBack = next.isOnline && !current.isOnline;
  if (next.isOnline === current.isOnline && next.lastAnswerAt === current.lastAnswerAt) return;
  current = next;
  for (const listener of listeners) listener();
  if (isBack) for (const listener of returns) listener();
}

export const connection = {
  get(this: void): Connection {
    return current;
  },
  subscribe(this: void, listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  /** Calls back each time that the server is there again. */
  onReturn(listener: () => void): () => void {
    returns.add(listener);
    return () => returns.delete(listener);
  },
  /** The server has answered: what is shown is as of now. Told to the minute, so that it is written seldom. */
  answered(): void {
    const minute = `${new Date().toISOString().slice(0, 16)}:00.000Z`;
    if (minute !== current.lastAnswerAt) localStorage.setItem(KEY, minute);
    set({ isOnline: true, lastAnswerAt: minute });
  },
  lost(): void {
    set({ ...current, isOnline: false });
  },
};

/** The browser's word is believed when it says that there is no network; that there is one must show itself. */
export function watchConnection(): void {
  current = { isOnline: navigator.onLine, lastAnswerAt: localStorage.getItem(KEY) };
  window.addEventListener("offline", () => connection.lost());
}

export const useConnection = (): Connection =>
  useSyncExternalStore(connection.subscribe, connection.get, connection.get);
