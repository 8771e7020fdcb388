import type { IncomingTransaction, SyncStep } from "./platform.ts";
import { windowKey } from "./run_tally.ts";

/**
 * Rows that save_page held back: a new id with the fingerprint of a stored row, which may be that row under a new id or a
 * second, equal payment. They are handed in again with the last page of their window, when it is known whether the old
 * id is gone.
 */
export class DeferredRows {
  readonly #byWindow = new Map<string, IncomingTransaction[]>();

  /** The rows to save with this page; a window that begins again forgets what its earlier reading deferred. */
  withPage(step: Extract<SyncStep, { kind: "page" }>): IncomingTransaction[] {
    const key = windowKey(step.window);
    if (step.page === 1) this.#byWindow.delete(key);
    if (step.complete === null) return step.rows;
    const held = this.#byWindow.get(key) ?? [];
    this.#byWindow.delete(key);
    return [...held, ...step.rows];
  }

  hold(step: Extract<SyncStep, { kind: "page" }>, ids: string[]): void {
    if (ids.length === 0 || step.complete !== null) return;
    const deferred = new Set(ids);
    const key = windowKey(step.window);
    const held = this.#byWindow.get(key) ?? [];
    this.#byWindow.set(key, [...held, ...step.rows.filter((row) => deferred.has(row.id))]);
  }
}
