import { useSyncExternalStore } from "react";

/** Web push in this browser. off: it can be switched on. blocked: the person has said no, in the browser's own words. */
export type PushState = "unavailable" | "off" | "on" | "blocked";

let state: PushState = "unavailable";
const listeners = new Set<() => void>();

function set(next: PushState): void {
  state = next;
  for (const listener of listeners) listener();
}

/** @param serverKey the server's VAPID key; without one it pushes nothing */
export async function watchPush(serverKey: string | null): Promise<void> {
  if (serverKey === null || !("PushManager" in window) || !("Notification" in window)) return;
  if (Notification.permission === "denied") {
    set("blocked");
    return;
  }
  const { pushManager } = await navigator.serviceWorker.ready;
  set((await pushManager.getSubscription()) === null ? "off" : "on");
}

/** The browser asks the person, so this is called from their tap. Null where they say no. */
export async function subscribeToPush(serverKey: string): Promise<PushSubscription | null> {
  const permission = await Notification.requestPermission();
  if (permission !== "granted") {
    set(permission === "denied" ? "blocked" : "off");
    return null;
  }
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: serverKey });
  set("on");
  return subscription;
}

/** Answers what was unsubscribed, for the server to forget it. */
export async function unsubscribeFromPush(): Promise<PushSubscription | null> {
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = await pushManager.getSubscription();
  await subscription?.unsubscribe();
  set("off");
  return subscription;
}

export const usePushState = (): PushState =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
    () => "unavailable",
  );
