import type { IncomingTransaction, RefusalReason, SyncStep, Window } from "./platform.ts";

/** One row as a mapping sees it: a transaction, or why it was refused and the id that it had all the same. */
export type MappedRow =
  { ok: true; transaction: IncomingTransaction } | { ok: false; refused: RefusalReason; id: string | null };

/** One page of a window as its provider tells it. */
export type WindowPage = {
  rows: MappedRow[];
  /** How many rows the whole window has, on all pages; null where the provider does not say. */
  total: number | null;
  /** The page after this one, null on the last. */
  nextPage: number | null;
};

export type PageStep = Extract<SyncStep, { kind: "page" }>;

export type ReadWindowOptions = {
  /** False when the provider said that its data may be partial: rows are told, but no day counts as complete. */
  settles: boolean;
  /** How often an incoherent window starts over. */
  restarts?: number;
  /** A list that goes on for longer is not believed. */
  maxPages?: number;
};

/** The list kept changing while it was read, more often than we were willing to start over. */
export class WindowUnstableError extends Error {
  override readonly name = "WindowUnstableError";

  constructor(window: Window, reads: number) {
    super(`the list of ${window.source} from ${window.from} to ${window.to} changed during each of ${reads} reads`);
  }
}

/** The provider's page numbers lead nowhere: backwards, in a circle, past a page, or on without an end. */
export class PagingError extends Error {
  override readonly name = "PagingError";

  constructor(window: Window, page: number, problem: string) {
    super(`page ${page} of ${window.source} from ${window.from} to ${window.to}: ${problem}`);
  }
}

/**
 * Reads one window page by page. It is complete when its distinct rows are as many as the provider's total, which
 * stayed the same from first page to last. A list that shifts under the reader shows itself as another total, or as a
 * row met twice (which means that another was missed): then the window starts over at page 1.
 *
 * A refused row counts like any other, by its id if it has one and else by its position, so that one bad row cannot
 * keep a window from ever completing. Its id stays among the window's ids: the provider still returns that row, and
 * a stored version of it must not be taken for removed. Position is a weak identity: a row without an id that slid
 * over a page's edge looks like two and could stand in for one that was missed. So a window of several pages with such
 * a row counts as complete only when it reads the same twice in a row.
 *
 * Rows of days outside the window count towards the total, but are not told: those days are another window's, or
 * settled, and what is missing or re-issued among them could not be judged from here.
 *
 * While a page is taken care of, the next one is on its way: a save waits for others to share its call, and a long history would wait
 * with it. What asking for it throws is thrown after the page before it was taken care of.
 *
 * Where a provider gives no total, the pages are told and nothing is complete.
 *
 * Throws WindowUnstableError, PagingError, and what `fetchPage` throws.
 */
export async function* readWindow(
  window: Window,
  fetchPage: (page: number) => Promise<WindowPage>,
  { settles, restarts = 5, maxPages = 1000 }: ReadWindowOptions,
): AsyncGenerator<PageStep, void, void> {
  let previous: string | null = null;
  for (let read = 0; read <= restarts; read += 1) {
    const outcome: ReadOutcome = yield* readOnce(window, fetchPage, previous, settles, maxPages);
    if (outcome === "done") return;
    previous = outcome.order;
  }
  throw new WindowUnstableError(window, restarts + 1);
}

/** Read to its end, or to be started over; `order` is what this read found, null when it was incoherent. */
type ReadOutcome = "done" | { order: string | null };

const INCOHERENT: ReadOutcome = { order: null };

async function* readOnce(
  window: Window,
  fetchPage: (page: number) => Promise<WindowPage>,
  previous: string | null,
  settles: boolean,
  maxPages: number,
): AsyncGenerator<PageStep, ReadOutcome, void> {
  const ids = new Set<string>();
  const pages: (string | null)[][] = [];
  let nameless = 0;
  let total: number | null = null;
  await using ahead = new PageAhead(fetchPage);
  ahead.ask(1);
  for (let page = 1; page <= maxPages; page += 1) {
    const found = await ahead.take();
    if (page === 1) total = found.total;
    if (found.total !== total) return INCOHERENT;

    const before = ids.size;
    pages.push(found.rows.map(idOf));
    const named = found.rows.map(idOf).filter((id) => id !== null);
    for (const id of named) ids.add(id);
    if (ids.size - before < named.length) return INCOHERENT;
    nameless += found.rows.length - named.length;

    const distinct = ids.size + nameless;
    const isLast = found.nextPage === null || distinct === total;
    if (total !== null && (isLast ? distinct !== total : distinct > total)) return INCOHERENT;
    if (isLast && total !== null && nameless > 0 && page > 1) {
      const order = JSON.stringify(pages);
      if (order !== previous) return { order };
    }
    const goesOn = !isLast && found.nextPage === page + 1 && found.rows.length > 0;
    if (goesOn && page < maxPages) ahead.ask(page + 1);
    yield {
      kind: "page",
      window,
      page,
      rows: found.rows.flatMap((row) => (row.ok && isWithin(window, row.transaction) ? [row.transaction] : [])),
      refused: found.rows.flatMap((row) => (row.ok ? [] : [row.refused])),
      complete: isLast && total !== null ? { ids: [...ids], settles } : null,
    };
    if (isLast) return "done";
    if (found.nextPage !== page + 1) throw new PagingError(window, page, "the next page is not the one after it");
    // An empty page in the middle: the list shrank behind our back, or its paging goes on for ever.
    if (!goesOn) return INCOHERENT;
  }
  throw new PagingError(window, maxPages, "there is still a page after it");
}

/**
 * The next page, on its way while the one before it is written down. One page ahead and no more: where that cannot be written
 * down (its lease was lost, say), one request was made in vain.
 */
class PageAhead implements AsyncDisposable {
  readonly #fetchPage: (page: number) => Promise<WindowPage>;
  #asked: Promise<WindowPage> | null = null;

  constructor(fetchPage: (page: number) => Promise<WindowPage>) {
    this.#fetchPage = fetchPage;
  }

  ask(page: number): void {
    this.#asked = this.#fetchPage(page);
    // Whoever takes the page hears of it, when the page before it was taken care of.
    this.#asked.catch(() => {});
  }

  async take(): Promise<WindowPage> {
    const asked = this.#asked;
    this.#asked = null;
    if (asked === null) throw new TypeError("a page is taken that was not asked for");
    return asked;
  }

  /** Nobody wants it any more: its request ends before its run does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#asked?.catch(() => {});
  }
}

function idOf(row: MappedRow): string | null {
  return row.ok ? row.transaction.id : row.id;
}

function isWithin(window: Window, { occurredOn }: IncomingTransaction): boolean {
  return window.from <= occurredOn && occurredOn <= window.to;
}
