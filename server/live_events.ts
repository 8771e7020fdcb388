import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import type { Log } from "../db/log.ts";
import type { Identity } from "./identity.ts";

/** Something of a user's changed: ids only. db/functions/announce.sql sends them, one NOTIFY a statement. */
export type LiveEvent =
  | { kind: "accounts"; accountId: string }
  | { kind: "runs"; accountId: string; runId: string }
  /** New transactions of an account lie between these ids, both included; another account's may as well. */
  | { kind: "transactions"; accountId: string; first: string; last: string }
  | { kind: "notifications"; notificationId: string };

/** Events may have been missed: whoever listened should look again and listen anew. */
export class EventsInterruptedError extends Error {
  override readonly name = "EventsInterruptedError";
}

const CHANNEL = "tidemark";
const id = z.string();
const payload = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(
    z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("accounts"), of: z.array(z.tuple([id, id])) }),
      z.object({ kind: z.literal("runs"), of: z.array(z.tuple([id, id, id])) }),
      z.object({ kind: z.literal("transactions"), of: z.array(z.tuple([id, id, id, id])) }),
      z.object({ kind: z.literal("notifications"), of: z.array(z.tuple([id.nullable(), id, id])) }),
    ]),
  );

/**
 * One LISTEN for all subscribers of this process: an event is parsed once and handed to those whose user it names, so a
 * subscriber who waits costs a place in a map. Opened for the first of them.
 */
export class LiveEvents {
  readonly #db: Pool;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #subscribers = new Map<string, Set<Subscription>>();
  #listening: Promise<PoolClient> | undefined;
  #isClosed = false;

  /** @param options.now milliseconds since 1970 */
  constructor(options: { db: Pool; log: Log; now?: () => number }) {
    this.#db = options.db;
    this.#log = options.log;
    this.#now = options.now ?? Date.now;
  }

  /** How many wait. */
  get subscribers(): number {
    return [...this.#subscribers.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * The events of one user from now on: from the moment that the promise resolves, none is missed. They end when the
   * user's token does. Events about the same thing that wait to be read become one.
   */
  async subscribe(
    { userId, expiresAt }: Identity,
    wants: (event: LiveEvent) => boolean,
  ): Promise<AsyncIterableIterator<LiveEvent>> {
    if (this.#isClosed) throw new EventsInterruptedError("The server is shutting down.");
    await this.#listen();
    const mine = this.#subscribers.get(userId) ?? new Set();
    this.#subscribers.set(userId, mine);
    const subscription = new Subscription({
      wants,
      isOver: () => this.#now() >= expiresAt,
      onEnd: () => {
        mine.delete(subscription);
        if (mine.size === 0 && this.#subscribers.get(userId) === mine) this.#subscribers.delete(userId);
      },
    });
    mine.add(subscription);
    return subscription;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#endAll(null);
    const listening = this.#listening;
    this.#listening = undefined;
    // Destroyed: a session that listens is of no use to the pool.
    await listening?.then((client) => client.release(true)).catch(() => undefined);
  }

  #listen(): Promise<PoolClient> {
    this.#listening ??= this.#open().catch((error: unknown) => {
      this.#listening = undefined;
      throw error;
    });
    return this.#listening;
  }

  async #open(): Promise<PoolClient> {
    const client = await this.#db.connect();
    let isLost = false;
    const lose = (error?: Error) => {
      // close() lets go of it itself.
      if (isLost || this.#isClosed) return;
      isLost = true;
      this.#listening = undefined;
      client.release(true);
      this.#log.warn({ err: error }, "live events were interrupted");
      this.#endAll(new EventsInterruptedError("Live updates were interrupted; subscribe again.", { cause: error }));
    };
    client.on("error", lose).on("end", () => lose());
    client.on("notification", ({ payload: text }) => this.#deliver(text ?? ""));
    try {
      await client.query(`listen ${CHANNEL}`);
    } catch (error) {
      isLost = true;
      client.release(true);
      throw error;
    }
    return client;
  }

  #deliver(text: string): void {
    const parsed = payload.safeParse(text);
    if (!parsed.success) {
      // Any session of the database may notify.
      this.#log.warn("a notification on our channel made no sense");
      return;
    }
    const { data } = parsed;
    switch (data.kind) {
      case "accounts":
        for (const [accountId, userId] of data.of) this.#tell(userId, { kind: data.kind, accountId });
        return;
      case "runs":
        for (const [accountId, userId, runId] of data.of) this.#tell(userId, { kind: data.kind, accountId, runId });
        return;
      case "transactions":
        for (const [accountId, userId, first, last] of data.of) {
          this.#tell(userId, { kind: data.kind, accountId, first, last });
        }
        return;
      case "notifications":
        for (const [, userId, notificationId] of data.of) this.#tell(userId, { kind: data.kind, notificationId });
    }
  }

  #tell(userId: string, event: LiveEvent): void {
    for (const subscription of this.#subscribers.get(userId) ?? []) subscription.push(event);
  }

  #endAll(error: EventsInterruptedError | null): void {
    for (const mine of this.#subscribers.values()) for (const subscription of mine) subscription.end(error);
    this.#subscribers.clear();
  }
}

type SubscriptionOptions = { wants: (event: LiveEvent) => boolean; isOver: () => boolean; onEnd: () => void };
type Waiting = { resolve: (result: IteratorResult<LiveEvent>) => void; reject: (error: Error) => void };

const OVER: IteratorResult<LiveEvent> = { done: true, value: undefined };

class Subscription implements AsyncIterableIterator<LiveEvent> {
  readonly #options: SubscriptionOptions;
  /** By what they are about, so that a slow reader's queue is no longer than what there is to tell of. */
  readonly #queue = new Map<string, LiveEvent>();
  readonly #waiting: Waiting[] = [];
  #ended: { error: Error | null } | undefined;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  push(event: LiveEvent): void {
    if (this.#ended !== undefined || !this.#options.wants(event)) return;
    if (this.#options.isOver()) {
      this.end(null);
      return;
    }
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ done: false, value: event });
      return;
    }
    const subject = subjectOf(event);
    this.#queue.set(subject, merged(this.#queue.get(subject), event));
  }

  end(error: Error | null): void {
    if (this.#ended !== undefined) return;
    this.#ended = { error };
    this.#queue.clear();
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (error === null) resolve(OVER);
      else reject(error);
    }
    this.#options.onEnd();
  }

  next(): Promise<IteratorResult<LiveEvent>> {
    if (this.#ended === undefined && this.#options.isOver()) this.end(null);
    if (this.#ended !== undefined) {
      const { error } = this.#ended;
      this.#ended = { error: null };
      return error === null ? Promise.resolve(OVER) : Promise.reject(error);
    }
    for (const [subject, event] of this.#queue) {
      this.#queue.delete(subject);
      return Promise.resolve({ done: false, value: event });
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  return(): Promise<IteratorResult<LiveEvent>> {
    this.end(null);
    return Promise.resolve(OVER);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** An account's row and its open run are read together, so one event stands for both. */
function subjectOf(event: LiveEvent): string {
  switch (event.kind) {
    case "accounts":
    case "runs":
      return `account ${event.accountId}`;
    case "transactions":
      return `transactions ${event.accountId}`;
    case "notifications":
      return `notification ${event.notificationId}`;
  }
}

function merged(earlier: LiveEvent | undefined, later: LiveEvent): LiveEvent {
  if (earlier?.kind === "transactions" && later.kind === "transactions") {
    return {
      ...later,
      first: BigInt(earlier.first) < BigInt(later.first) ? earlier.first : later.first,
      last: BigInt(earlier.last) > BigInt(later.last) ? earlier.last : later.last,
    };
  }
  // The run's id is worth keeping.
  return earlier?.kind === "runs" && later.kind === "accounts" ? earlier : later;
}
