import type { RunLog } from "../../db/queries/runs.ts";
import type { RefusalReason, SyncStep, Window } from "./platform.ts";

/** What one run looked at, counted while it goes, for its sync log and for the line that `npm start` shows. */
export class RunTally {
  readonly #refusals = new Map<RefusalReason, number>();
  readonly #windows = new Map<string, { window: Window; pages: number; complete: boolean }>();
  #pages = 0;
  #seen = 0;
  fresh = 0;
  changed = 0;
  unchanged = 0;
  removed = 0;

  sawPage(step: Extract<SyncStep, { kind: "page" }>): void {
    const key = windowKey(step.window);
    const before = this.#windows.get(key);
    this.#windows.set(key, {
      window: step.window,
      pages: Math.max(before?.pages ?? 0, step.page),
      complete: step.complete?.settles ?? false,
    });
    this.#pages += 1;
    this.sawRows(step.rows.length, step.refused);
  }

  get completedWindows(): number {
    return [...this.#windows.values()].filter((window) => window.complete).length;
  }

  sawRows(rows: number, refused: RefusalReason[]): void {
    this.#seen += rows + refused.length;
    for (const reason of refused) this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1);
  }

  saved(counts: { new_count: number; changed_count: number; unchanged_count: number; removed_count: number }): void {
    this.fresh += counts.new_count;
    this.changed += counts.changed_count;
    this.unchanged += counts.unchanged_count;
    this.removed += counts.removed_count;
  }

  toLog(requests: number): RunLog {
    return {
      pages: this.#pages,
      seen: this.#seen,
      unchanged: this.unchanged,
      refusals: Object.fromEntries(this.#refusals),
      windows: [...this.#windows.values()].map(({ window, pages, complete }) => ({ ...window, pages, complete })),
      requests,
    };
  }
}

/** Tells windows of one run apart. */
export const windowKey = (window: Window): string => `${window.source} ${window.from} ${window.to}`;
