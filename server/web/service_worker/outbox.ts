import { Queue } from "workbox-background-sync";
import { worker } from "./scope.ts";
import { parseJson, isRecord, subjectOf } from "../page/session.ts";
import { type Kept, OUTBOX_CHANNEL, type OutboxNews, ACCOUNT_HEADER, KEY_HEADER } from "../page/outbox_messages.ts";

/** As long as the server remembers an idempotency key: later, the same key would be another request. */
const LONGEST_WAIT_MINUTES = 24 * 60;
const LOCK = "tidemark outbox";

/**
 * "Sync now" without a network: the request is kept with its idempotency key, and sent when there is one, by the browser's
 * background sync or when a page is open again. It lives here and not in a page because a page may be closed, and two pages
 * would send it twice.
 */
export function sendLater(): void {
  const queue = new Queue("requests", { maxRetentionTime: LONGEST_WAIT_MINUTES, onSync: () => sendAll(queue) });
  const channel = new BroadcastChannel(OUTBOX_CHANNEL);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel is within one origin, and takes none
  const tell = (news: OutboxNews): void => channel.postMessage(news);

  worker.addEventListener("fetch", (event) => {
    const { request } = event;
    if (request.method === "POST" && request.headers.has(KEY_HEADER)) {
      const answer = sendOrKeep(request);
      event.respondWith(answer);
      // Also when the page that asked is closed meanwhile.
      event.waitUntil(answer);
    }
  });
  worker.addEventListener("message", (event) => {
    if (event.data === "send") event.waitUntil(sendAll(queue).catch(() => undefined));
    if (event.data === "tell") event.waitUntil(tellKept());
  });

  async function sendOrKeep(request: Request): Promise<Response> {
    const copy = request.clone();
    try {
      return await fetch(request);
    } catch {
      await alone(() => keep(copy));
      await tellKept();
      return Response.json(
        { data: null, errors: [{ message: "Kept until there is a network.", extensions: { code: "KEPT" } }] },
        { headers: { [KEPT_HEADER]: "1" } },
      );
    }
  }

  /** One request an account is enough, whoever taps how often in how many tabs. */
  async function keep(request: Request): Promise<void> {
    const kept = keptOf(request, Date.now());
    const known = await allKept();
    if (known.some(({ userId, accountId }) => userId === kept.userId && accountId === kept.accountId)) return;
    await queue.pushRequest({ request, metadata: kept });
  }

  async function allKept(): Promise<Kept[]> {
    return (await queue.getAll()).map(({ request, timestamp }) => keptOf(request, timestamp ?? Date.now()));
  }

  async function tellKept(): Promise<void> {
    tell({ kind: "kept", all: await allKept() });
  }

  /**
   * Sends what is kept, in order. A request leaves the queue only once it is answered: a worker that is ended in between
   * sends it again, and the key makes one of the two.
   *
   * @throws while there is no network, so that background sync tries again
   */
  function sendAll(from: Queue): Promise<void> {
    return alone(async () => {
      try {
        for (;;) {
          const [next] = await from.getAll();
          if (next === undefined) return;
          const reply = await fetch(next.request.clone());
          if (reply.status >= 500) throw new Error(`the server answered ${reply.status}`);
          await from.shiftRequest();
          const kept = keptOf(next.request, Date.now());
          tell({ kind: "sent", userId: kept.userId, accountId: kept.accountId, ...(await answerOf(reply)) });
        }
      } finally {
        await tellKept();
      }
    });
  }
}

/** Marks an answer that no server gave. */
const KEPT_HEADER = "x-tidemark-kept";

/** One at a time: what is looked at must still be so when it is changed. */
const alone = (body: () => Promise<void>): Promise<void> => navigator.locks.request(LOCK, body);

async function answerOf(reply: Response): Promise<{ outcome: string | null; until: string | null }> {
  const at = (value: unknown, name: string): unknown => (isRecord(value) ? value[name] : undefined);
  const result = at(at(at(parseJson(await reply.text()), "data"), "requestSync"), "result");
  const [outcome, until] = [at(result, "outcome"), at(result, "until")];
  return { outcome: typeof outcome === "string" ? outcome : null, until: typeof until === "string" ? until : null };
}

function keptOf({ headers }: Request, since: number): Kept {
  const token = headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
  return { userId: subjectOf(token) ?? "", accountId: headers.get(ACCOUNT_HEADER) ?? "", since };
}
