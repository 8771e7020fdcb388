/**
 * What the canned provider answers, as bytes that are ready: Mono's shapes, as much as a sync reads of them.
 */

/** Which list of transactions every account has. */
export type CannedHistory = {
  /** Rows of each page; the last may have fewer. */
  pageSize: number;
  /** Rows of each window that is asked for. */
  rowsPerWindow: number;
  /** All rows are of this day, and a window without it has none; left out: they are spread over the window's days. */
  onDay?: string | undefined;
};

/** An HTTP/1.1 answer with this body; the number of its refresh job goes in between. */
type Answer = { head: string; rest: Buffer };

function answer(json: unknown): Answer {
  const body = Buffer.from(JSON.stringify(json));
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nx-job-status: FINISHED\r\nx-job-id: `;
  return { head, rest: Buffer.concat([Buffer.from("\r\n\r\n"), body]) };
}

const details = answer({
  status: "successful",
  message: "ok",
  data: {
    account: { id: "canned", currency: "NGN", balance: 2_296_700 },
    meta: { data_status: "AVAILABLE", retrieved_data: ["balance", "transactions"] },
  },
});

/** The nth row, so many days after `from`, as Mono sends it. */
export function cannedRow(from: string, daysLater: number, n: number): object {
  const day = new Date(Date.parse(`${from}T00:00:00Z`) + daysLater * 86_400_000).toISOString();
  const seconds = String(n % 60).padStart(2, "0");
  return {
    id: `${from.replaceAll("-", "")}${String(n).padStart(16, "0")}`,
    narration: `NIP TRANSFER TO ADA ${n} REF ${(n * 7919) % 1_000_003}`,
    amount: 500_000 + n,
    type: n % 3 === 0 ? "credit" : "debit",
    balance: 1_500_000 + n,
    date: `${day.slice(0, 10)}T08:${seconds}:00.500Z`,
    category: "unknown",
  };
}

/** Answers to requests by their path, made once and kept. */
export class CannedAnswers {
  readonly #history: CannedHistory;
  readonly #kept = new Map<string, Answer>();
  #answers = 0;

  constructor(history: CannedHistory) {
    this.#history = history;
  }

  to(path: string): Buffer {
    const { head, rest } = this.#answerTo(path);
    this.#answers += 1;
    return Buffer.concat([Buffer.from(`${head}${this.#answers}`), rest]);
  }

  #answerTo(path: string): Answer {
    const at = path.indexOf("/transactions?");
    if (at < 0) return details;
    const query = path.slice(at + 14);
    const kept = this.#kept.get(query);
    if (kept !== undefined) return kept;
    const made = this.#page(new URLSearchParams(query));
    // A long history is made anew as it is read: this process shall not be the one whose memory grows.
    if (this.#kept.size < 2_000) this.#kept.set(query, made);
    return made;
  }

  #page(query: URLSearchParams): Answer {
    const { pageSize, rowsPerWindow, onDay } = this.#history;
    const start = isoDay(query.get("start"));
    const end = isoDay(query.get("end"));
    const total = onDay === undefined || (start <= onDay && onDay <= end) ? rowsPerWindow : 0;
    const days = Math.max(1, (Date.parse(end) - Date.parse(start)) / 86_400_000);
    const page = Number(query.get("page"));
    const first = (page - 1) * pageSize;
    const rows = Array.from({ length: Math.max(0, Math.min(pageSize, total - first)) }, (_, n) =>
      onDay === undefined ? cannedRow(start, ((first + n) % days) + 1, first + n) : cannedRow(onDay, 0, first + n),
    );
    const isLast = first + rows.length >= total;
    const meta = { total, page, previous: null, next: isLast ? null : `?page=${page + 1}` };
    return answer({ status: "successful", message: "ok", data: rows, meta });
  }
}

/** Mono's days are DD-MM-YYYY. */
const isoDay = (day: string | null): string => (day ?? "").split("-").toReversed().join("-");
