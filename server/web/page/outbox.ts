import { useSyncExternalStore } from "react";
import { type Kept, OUTBOX_CHANNEL, type OutboxNews } from "./outbox_messages.ts";

let kept: readonly Kept[] = [];
const listeners = new Set<() => void>();
const sentListeners = new Set<(sent: Extract<OutboxNews, { kind: "sent" }>) => void>();

/** Follows what the service worker keeps, in this tab and in others. */
export function followOutbox(): void {
  const channel = new BroadcastChannel(OUTBOX_CHANNEL);
  channel.addEventListener("message", ({ data }: MessageEvent<OutboxNews>) => {
    if (data.kind === "sent") {
      for (const listener of sentListeners) listener(data);
      return;
    }
    kept = data.all;
    for (const listener of listeners) listener();
  });
  askWorker("tell");
}

/** Where there is a network again, background sync may take its time, and not every browser has it. */
export const sendKept = (): void => askWorker("send");

function askWorker(what: "send" | "tell"): void {
  if (!("serviceWorker" in navigator)) return;
  void navigator.serviceWorker.ready.then(({ active }) => active?.postMessage(what, { transfer: [] }));
}

export function onSent(listener: (sent: Extract<OutboxNews, { kind: "sent" }>) => void): () => void {
  sentListeners.add(listener);
  return () => sentListeners.delete(listener);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether a request of this user for this account waits for a network. */
export const useIsKept = (userId: string, accountId: string): boolean =>
  useSyncExternalStore(
    subscribe,
    () => kept.some((one) => one.userId === userId && one.accountId === accountId),
    () => false,
  );
