/** Page lists that shift while they are read: Mono's cache is refreshed between two pages of the same window. */
import { z } from "zod";

export const shiftOrder = z.strictObject({
  account: z.string().min(1),
  /** It happens right after this page was served. */
  afterPage: z.int().positive(),
  /** What happens to the top of the list, so that all later pages move by one. */
  change: z.enum(["insert", "remove"]).default("insert"),
  /** Only lists whose top row is younger than this are shifted. */
  youngerThanMs: z.int().positive().exactOptional(),
  /** How often. */
  times: z.int().positive().default(1),
});
export type ShiftOrder = z.input<typeof shiftOrder>;

export class Shifts {
  #orders: z.output<typeof shiftOrder>[] = [];

  add(order: ShiftOrder): void {
    this.#orders.push(shiftOrder.parse(order));
  }

  /** The change that is now due, once. @param ageMs of the top row; an empty list is as old as 1970. */
  take(account: string, page: number, ageMs: number): "insert" | "remove" | null {
    const order = this.#orders.find(
      (each) => each.account === account && each.afterPage === page && ageMs < (each.youngerThanMs ?? Infinity),
    );
    if (order === undefined) return null;
    order.times -= 1;
    if (order.times === 0) this.#orders = this.#orders.filter((each) => each !== order);
    return order.change;
  }

  clear(): void {
    this.#orders = [];
  }
}
