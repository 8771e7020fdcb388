/**
 * Delivery of webhooks as a network really does it: late, twice, in another order, or never; tried again when the
 * answer is not 2xx. Mono publishes neither the number of its tries nor their distance; ours are in the settings.
 */
import { Agent, request } from "undici";
import { z } from "zod";
import { randomFor, type Seed } from "../random.ts";
import { eventBody, type EventFrame, type MonoEvent } from "./events.ts";

export const webhookSettings = z.strictObject({
  /** Null: events are remembered and sent nowhere. */
  url: z.url().nullable().exactOptional(),
  /** The `mono-webhook-secret` header. */
  secret: z.string().min(1).exactOptional(),
  /** auto: sent as they happen. manual: they wait for a flush. */
  mode: z.enum(["auto", "manual"]).exactOptional(),
  /** The order of one round of sending. */
  order: z.enum(["sent", "reversed", "shuffled"]).exactOptional(),
  /** The next so many events never leave. */
  lose: z.int().nonnegative().exactOptional(),
  /** The next so many events are sent twice, with equal bodies. */
  duplicate: z.int().nonnegative().exactOptional(),
  loseShare: z.number().min(0).max(1).exactOptional(),
  duplicateShare: z.number().min(0).max(1).exactOptional(),
  /** Virtual time before each further try. */
  retryDelaysMs: z.array(z.int().nonnegative()).exactOptional(),
});
export type WebhookSettings = z.input<typeof webhookSettings>;
type Settings = Required<WebhookSettings>;

const defaults: Settings = {
  url: null,
  secret: "whsec_simulator",
  mode: "auto",
  order: "sent",
  lose: 0,
  duplicate: 0,
  loseShare: 0,
  duplicateShare: 0,
  retryDelaysMs: [1_000, 10_000, 60_000],
};

type Delivery = { event: MonoEvent; body: string; dueAt: number; tries: number };

export type WebhookCounts = {
  events: number;
  waiting: number;
  delivered: number;
  /** Tries that were not answered with 2xx. */
  refused: number;
  givenUp: number;
  lost: number;
  duplicated: number;
};

const TIMEOUT_MS = 5_000;
const REMEMBERED = 1_000;

export class Webhooks {
  readonly #seed: Seed;
  readonly #frame: EventFrame;
  readonly #now: () => number;
  readonly #agent = new Agent({ headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS, connectTimeout: TIMEOUT_MS });
  #settings: Settings = { ...defaults };
  #waiting: Delivery[] = [];
  #events: MonoEvent[] = [];
  #emitted = 0;
  #counts = { delivered: 0, refused: 0, givenUp: 0, lost: 0, duplicated: 0 };
  /** Rounds of sending come one after the other, so that an order is an order. */
  #round: Promise<void> = Promise.resolve();

  constructor(frame: EventFrame, now: () => number) {
    this.#seed = frame.seed;
    this.#frame = frame;
    this.#now = now;
  }

  configure(settings: WebhookSettings): void {
    this.#settings = { ...this.#settings, ...webhookSettings.parse(settings) };
  }

  emit(event: MonoEvent): void {
    this.#emitted += 1;
    this.#events = [...this.#events.slice(1 - REMEMBERED), event];
    if (this.#settings.url === null) return;
    const random = randomFor(this.#seed, "delivery", this.#emitted);
    if (this.#takes("lose") || random.chance(this.#settings.loseShare)) {
      this.#counts.lost += 1;
      return;
    }
    const delivery = { event, body: eventBody(event, this.#frame), dueAt: this.#now(), tries: 0 };
    this.#waiting.push(delivery);
    if (this.#takes("duplicate") || random.chance(this.#settings.duplicateShare)) {
      this.#counts.duplicated += 1;
      this.#waiting.push({ ...delivery });
    }
  }

  /** The moment of the next try that will happen by itself. */
  nextAt(): number | null {
    if (this.#settings.mode === "manual" || this.#waiting.length === 0) return null;
    return Math.min(...this.#waiting.map(({ dueAt }) => dueAt));
  }

  /** Sends what is due, in mode auto; resolves when the round is over. */
  deliverDue(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#settings.mode === "auto") await this.#send(({ dueAt }) => dueAt <= this.#now());
    });
  }

  /** Tries everything that waits once, whatever its time. */
  async flush(): Promise<WebhookCounts> {
    await this.#inTurn(() => this.#send(() => true));
    return this.counts();
  }

  /** The last 1,000 events, sent or not, oldest first. */
  events(): MonoEvent[] {
    return [...this.#events];
  }

  counts(): WebhookCounts {
    return { events: this.#emitted, waiting: this.#waiting.length, ...this.#counts };
  }

  /** Forgets events and counts, keeps the settings. */
  forget(): void {
    this.#waiting = [];
    this.#events = [];
    this.#counts = { delivered: 0, refused: 0, givenUp: 0, lost: 0, duplicated: 0 };
  }

  async close(): Promise<void> {
    this.#waiting = [];
    await this.#agent.destroy();
    await this.#round;
  }

  #takes(kind: "lose" | "duplicate"): boolean {
    if (this.#settings[kind] === 0) return false;
    this.#settings[kind] -= 1;
    return true;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#round = this.#round.then(work);
    return this.#round;
  }

  async #send(isDue: (delivery: Delivery) => boolean): Promise<void> {
    const due = this.#ordered(this.#waiting.filter(isDue));
    for (const delivery of due) {
      const { url, secret, retryDelaysMs } = this.#settings;
      // Somebody may have reset the simulator, or turned the webhooks off, since the round began.
      if (url === null || !this.#waiting.includes(delivery)) continue;
      const accepted = await this.#post(url, secret, delivery.body);
      if (accepted) {
        this.#counts.delivered += 1;
        this.#drop(delivery);
        continue;
      }
      this.#counts.refused += 1;
      const delay = retryDelaysMs[delivery.tries];
      delivery.tries += 1;
      if (delay === undefined) {
        this.#counts.givenUp += 1;
        this.#drop(delivery);
      } else delivery.dueAt = this.#now() + delay;
    }
  }

  #drop(delivery: Delivery): void {
    this.#waiting = this.#waiting.filter((other) => other !== delivery);
  }

  #ordered(due: Delivery[]): Delivery[] {
    if (this.#settings.order === "reversed") return due.toReversed();
    if (this.#settings.order === "shuffled") return randomFor(this.#seed, "order", this.#emitted).shuffle(due);
    return due;
  }

  /** Whether the receiver said 2xx. A receiver that cannot be reached did not. */
  async #post(url: string, secret: string, body: string): Promise<boolean> {
    try {
      const response = await request(url, {
        method: "POST",
        headers: { "content-type": "application/json", "mono-webhook-secret": secret },
        body,
        dispatcher: this.#agent,
      });
      await response.body.dump();
      return response.statusCode >= 200 && response.statusCode < 300;
    } catch (error) {
      if (error instanceof Error) return false;
      throw error;
    }
  }
}
