/**
 * Tells an app's callback URL how a payment ended: the same JSON as a status read, unsigned, without the reference id
 * (MTN docs). Sent on the virtual clock; an answer is waited for two seconds and nothing is retried.
 */
import { Agent, request } from "undici";
import { randomFor } from "../random.ts";
import { outcome, paymentResult } from "./payment.ts";
import { type Payment, paymentOf } from "./state.ts";
import type { World } from "./world.ts";

export type CallbackRecord = {
  reference: string;
  method: "PUT" | "POST";
  at: number;
  /** The receiver's status, or the name of the error that there was instead. */
  result: number | string;
};

export type CallbackSender = {
  /** The last 500, oldest first. */
  sent(): CallbackRecord[];
  /** Resolves when every callback that is due by now was sent and answered, or given up. */
  settled(): Promise<void>;
  /** Begins again from the world's payments, after it forgot everything. */
  restart(): void;
  close(): Promise<void>;
};

const ANSWER_WITHIN_MS = 2_000;
const KEPT = 500;
/** A standing clock is looked at again this often, a far-off callback at least this often. */
const SHORTEST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 60_000;

export function startCallbacks(world: World): CallbackSender {
  const agent = new Agent({ headersTimeout: ANSWER_WITHIN_MS, bodyTimeout: ANSWER_WITHIN_MS, connectTimeout: 2_000 });
  /** Payments whose callbacks are not all sent. */
  let waiting = new Set<Payment>();
  let records: CallbackRecord[] = [];
  const sending = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const send = async (payment: Payment): Promise<void> => {
    if (payment.callbackUrl === null) return;
    const at = world.clock.now();
    const method = methodOf(world, payment);
    const body = JSON.stringify(paymentResult(world.seed, world.state.settings, payment, at));
    let result: number | string;
    try {
      const answer = await request(payment.callbackUrl, {
        method,
        body,
        headers: { "content-type": "application/json" },
        dispatcher: agent,
      });
      await answer.body.dump();
      result = answer.statusCode;
    } catch (error) {
      // An app that does not answer is the app's affair: MTN goes on, and so do we.
      result = error instanceof Error ? error.name : "unknown";
    }
    records = [...records.slice(1 - KEPT), { reference: payment.reference, method, at, result }];
  };

  const pump = (): void => {
    if (closed) return;
    clearTimeout(timer);
    const now = world.clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const payment of waiting) {
      const { reference, platform } = payment;
      const due = dueAt(payment);
      const missing = due !== null && due <= now ? copies(payment) - payment.callbacksAttempted : 0;
      for (let copy = 0; copy < missing; copy += 1) {
        // Written down before it is sent: after a restart a callback may be lost, never sent again.
        world.record({ kind: "callback_attempted", at: now, platform, reference });
        const done = send(payment).finally(() => sending.delete(done));
        sending.add(done);
      }
      if (due === null || payment.callbacksAttempted >= copies(payment)) waiting.delete(payment);
      else next = Math.min(next, due - now);
    }
    if (next !== Number.POSITIVE_INFINITY) {
      timer = setTimeout(pump, Math.min(Math.max(next, SHORTEST_WAIT_MS), LONGEST_WAIT_MS)).unref();
    }
  };

  const watch = (payment: Payment): void => {
    if (payment.callbackUrl === null) return;
    waiting.add(payment);
    // After the answer to whoever made or changed it.
    setImmediate(pump);
  };
  const watchAll = (): void => {
    for (const payment of world.state.payments.values()) watch(payment);
  };

  world.onEvent((event) => {
    if (event.kind !== "payment_created" && event.kind !== "payment_changed") return;
    watch(paymentOf(world.state, event.platform, event.reference));
  });
  const stopListening = world.clock.onMove(pump);
  watchAll();

  return {
    sent: () => [...records],
    async settled() {
      pump();
      while (sending.size > 0) await Promise.all(sending);
    },
    restart() {
      waiting = new Set();
      records = [];
      watchAll();
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      stopListening();
      await agent.destroy();
      await Promise.all(sending);
    },
  };
}

/** When the payment's callbacks, if it has any, are due; null while there is no outcome in sight. */
function dueAt(payment: Payment): number | null {
  const { at } = outcome(payment);
  return at === null ? null : at + payment.callbacks.delayMs;
}

const copies = (payment: Payment): number => ({ once: 1, duplicate: 2, never: 0 })[payment.callbacks.mode];

function methodOf(world: World, payment: Payment): "PUT" | "POST" {
  const { method } = payment.callbacks;
  if (method !== "alternate") return method;
  return randomFor(world.seed, "callback method", payment.reference).pick(["PUT", "POST"]);
}
