import type { Pool } from "pg";
import type { Providers } from "./cast.ts";
import { patiently } from "./patiently.ts";

/** Business time of simulators and database: moved together, it runs on by itself at the pace of machine time. */
export class SharedClock {
  #stoppedAt: number | undefined;
  #providers: Providers | undefined;
  readonly #owner: Pool;

  constructor(owner: Pool) {
    this.#owner = owner;
  }

  /** The machine time that simulators are to go by. */
  readonly machineNow = (): number => this.#stoppedAt ?? Date.now();

  attach(providers: Providers): void {
    this.#providers = providers;
  }

  now(): number {
    return this.#both().momo.clock.now();
  }

  /**
   * The providers first: data that is newer than we think is what real life has; data that is older than we think would
   * be a lie of the soak's.
   */
  async moveTo(moment: number, stopped = false): Promise<void> {
    const { mono, momo } = this.#both();
    mono.moveClock({ now: moment });
    await momo.moveClock({ now: moment });
    await patiently(() =>
      this.#owner.query("select app_private.set_clock($1, $2)", [new Date(moment).toISOString(), stopped]),
    );
  }

  /** Moves on by so much; there time stands still. */
  async stopAfter(milliseconds: number): Promise<void> {
    this.#stoppedAt = Date.now();
    await this.moveTo(this.now() + milliseconds, true);
  }

  #both(): Providers {
    if (this.#providers === undefined) throw new Error("the clock has no providers yet");
    return this.#providers;
  }
}
