import { DatabaseError } from "pg";

export type CoalesceOptions<Item, Answer> = {
  /** One call for all of them; answers in their order. */
  call: (items: Item[]) => Promise<Answer[]>;
  /** Two items of one key are never in calls at the same time: their order is kept. */
  keyOf: (item: Item) => string;
  /** Only items of one group may share a call. */
  groupOf?: (item: Item) => string;
  /** Items in one call. */
  most: number;
  /** What an item adds to the size of its call, and what a call may weigh. A single item may be heavier. */
  weightOf?: (item: Item) => number;
  heaviest?: number;
  /** Calls at the same time. */
  lanes?: number;
  /** How many items are worth waiting for, as things are now; with so many a call is sent at once. */
  worthwhile?: () => number;
  /** The longest that an item waits for company, in milliseconds. */
  patienceMs?: number;
  /** An item that nobody else should keep waiting: its call is sent at once. */
  isUrgent?: (item: Item) => boolean;
};

type Waiting<Item, Answer> = {
  item: Item;
  key: string;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
};

/**
 * Makes one set-based call of the calls that are wanted at the same moment, as a database's group commit does: who comes
 * while a call is under way shares the next one, and where `worthwhile` says that more can be expected, they are waited
 * for, at most `patienceMs` (10) and only while the call has room. The items of a call are sorted by their key, so that two calls, whoever makes them, never
 * wait for each other's rows crosswise.
 *
 * An error is handed to each who waits for the call. When Postgres refused the statement (which is then undone), each item
 * is sent once more alone, so that only the one that is to blame fails. A lost connection tells nothing about what was
 * done, so nothing is sent again.
 */
export function coalesce<Item, Answer>(options: CoalesceOptions<Item, Answer>): (item: Item) => Promise<Answer> {
  const { call, keyOf, groupOf = () => "", weightOf = () => 1, heaviest = Infinity, most, lanes = 1 } = options;
  const { worthwhile = () => 1, patienceMs = 10, isUrgent = () => false } = options;
  const waiting: Waiting<Item, Answer>[] = [];
  const keysUnderWay = new Set<string>();
  let underWay = 0;
  let isScheduled = false;
  let patience: NodeJS.Timeout | undefined;

  // After the events of this turn of the loop, in which more answers of providers may have come.
  const schedule = (): void => {
    if (isScheduled || underWay === lanes || waiting.length === 0) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      if (underWay === lanes) return;
      if (waiting.length >= worthwhile() || isFull() || waiting.some(({ item }) => isUrgent(item))) begin();
      else patience ??= setTimeout(begin, patienceMs);
    });
  };

  /** Whoever else comes would not share the next call; counted without groups, which are two at most (the runners of one process). */
  const isFull = (): boolean =>
    waiting.length >= most || waiting.reduce((sum, { item }) => sum + weightOf(item), 0) >= heaviest;

  const begin = (): void => {
    clearTimeout(patience);
    patience = undefined;
    if (underWay === lanes) return;
    const batch = take();
    if (batch.length > 0) void send(batch);
  };

  const take = (): Waiting<Item, Answer>[] => {
    const batch: Waiting<Item, Answer>[] = [];
    const passedOver = new Set<string>();
    let group: string | undefined;
    let weight = 0;
    for (let at = 0; at < waiting.length && batch.length < most;) {
      const next = waiting[at];
      if (next === undefined) break;
      const isOfAnotherGroup = group !== undefined && groupOf(next.item) !== group;
      if (keysUnderWay.has(next.key) || passedOver.has(next.key) || isOfAnotherGroup) {
        passedOver.add(next.key);
        at += 1;
        continue;
      }
      weight += weightOf(next.item);
      if (batch.length > 0 && weight > heaviest) break;
      group ??= groupOf(next.item);
      keysUnderWay.add(next.key);
      batch.push(next);
      waiting.splice(at, 1);
    }
    return batch.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  };

  const send = async (batch: Waiting<Item, Answer>[]): Promise<void> => {
    underWay += 1;
    schedule();
    try {
      await ask(batch);
    } catch (error) {
      if (batch.length > 1 && wasRefused(error)) await askEachAlone(batch);
      else for (const { reject } of batch) reject(error);
    }
    for (const { key } of batch) keysUnderWay.delete(key);
    underWay -= 1;
    schedule();
  };

  const ask = async (batch: Waiting<Item, Answer>[]): Promise<void> => {
    const answers = await call(batch.map(({ item }) => item));
    for (const [at, { resolve, reject }] of batch.entries()) {
      const answer = answers[at];
      if (answer === undefined) reject(new Error("a verb left one of its items unanswered"));
      else resolve(answer);
    }
  };

  const askEachAlone = async (batch: Waiting<Item, Answer>[]): Promise<void> => {
    for (const one of batch) await ask([one]).catch(one.reject);
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, key: keyOf(item), resolve, reject });
      schedule();
    });
}

/** Whether Postgres undid the statement and goes on: FATAL and PANIC end the session, perhaps after a commit. */
const wasRefused = (error: unknown): boolean => error instanceof DatabaseError && error.severity === "ERROR";
