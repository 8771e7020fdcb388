/** Lets time act: ends jobs and sends webhooks when their moment comes, whether it passes by itself or is moved. */
import type { VirtualClock } from "../clock.ts";
import type { Webhooks } from "./webhooks.ts";
import type { World } from "./world.ts";

export type Pump = {
  /** Something happened: look again, a little later and once for all that happened together. */
  soon(): void;
  failures(): unknown[];
  stop(): void;
};

const LONGEST_TIMER_MS = 2_147_483_647;

export function startPump(scene: { world: () => World; webhooks: Webhooks; clock: VirtualClock }): Pump {
  const { webhooks, clock } = scene;
  const failures: unknown[] = [];
  let timer: NodeJS.Timeout | undefined;
  let asked = false;
  let stopped = false;

  const arm = (): void => {
    clearTimeout(timer);
    const moments = [scene.world().nextEnd(), webhooks.nextAt()].filter((at) => at !== null);
    if (stopped || moments.length === 0) return;
    const delay = Math.min(...moments) - clock.now();
    timer = setTimeout(run, Math.min(Math.max(delay, 1), LONGEST_TIMER_MS));
    timer.unref();
  };
  const run = (): void => {
    asked = false;
    if (stopped) return;
    scene.world().settle();
    webhooks.deliverDue().then(arm, (error: unknown) => failures.push(error));
    arm();
  };
  const soon = (): void => {
    if (asked || stopped) return;
    asked = true;
    queueMicrotask(run);
  };
  const stopListening = clock.onMove(soon);

  return {
    soon,
    failures: () => [...failures],
    stop() {
      stopped = true;
      stopListening();
      clearTimeout(timer);
    },
  };
}
