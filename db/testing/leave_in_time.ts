/* AVA requires this file in every test process. */

import { registerCompletionHandler } from "ava";

/** Pools and servers that are being closed as the last test ends need a moment. */
const LEAVE_WITHIN_MS = 30_000;

// AVA lets a process live until nothing keeps it, and would notice one that something keeps only by its own long silence.
registerCompletionHandler(() => {
  setTimeout(() => {
    const kept = new Map<string, number>();
    for (const name of process.getActiveResourcesInfo()) kept.set(name, (kept.get(name) ?? 0) + 1);
    const named = [...kept].map(([name, times]) => `${times} × ${name}`).join(", ");
    console.error(
      `The tests are over, and after ${LEAVE_WITHIN_MS / 1_000} s something still keeps their process: ${named}`,
    );
    process.exit(1);
  }, LEAVE_WITHIN_MS).unref();
});
