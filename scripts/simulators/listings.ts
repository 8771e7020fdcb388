import type { Reply, SimulatorRequest } from "./http.ts";

/** What the providers call a page's number: Mono docs (`page`), MADAPI (`pageNum`). */
const PAGE_NAMES = ["page", "pageNum"];

/** Longer than any list that is being read: older ones are forgotten. */
const KEPT = 200;

/** The page of each list that was served last, for a fault that serves it again as the next. */
export class Listings {
  readonly #last = new Map<string, { page: number; reply: Reply }>();

  /** The page before the one asked for, if it was the last to be served of this list; notes that this one is now. */
  turn(request: SimulatorRequest, reply: Reply): Reply | null {
    const query = new URLSearchParams(request.query);
    const name = PAGE_NAMES.find((each) => query.has(each));
    if (name === undefined || reply.status !== 200) return null;
    const page = Number(query.get(name));
    query.delete(name);
    const list = `${request.method} ${request.path}?${query.toString()}`;
    const before = this.#last.get(list);
    this.#last.delete(list);
    this.#last.set(list, { page, reply });
    const [oldest] = this.#last.keys();
    if (this.#last.size > KEPT && oldest !== undefined) this.#last.delete(oldest);
    return before?.page === page - 1 ? before.reply : null;
  }
}
