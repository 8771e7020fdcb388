import { setImmediate as turn } from "node:timers/promises";
import type { SyncContext } from "../../tasks/@sync/platform.ts";

/**
 * What one run has asked for and not been answered yet. A platform may ask for its next page before it hands one over; whoever lets runs
 * take turns ends a turn when nothing of it is under way, or its requests would be counted as another's.
 */
export class WorkUnderWay {
  #many = 0;
  #ended: () => void = () => undefined;

  /** The same context, watched: its requests from their permit to their answer, and what comes before them. */
  watching(context: SyncContext): SyncContext {
    return {
      ...context,
      permit: async () => {
        this.#begin();
        try {
          await context.permit();
        } catch (error) {
          this.#end();
          throw error;
        }
      },
      told: (exchange) => {
        context.told?.(exchange);
        this.#end();
      },
      tokens: (purpose) => {
        const tokens = context.tokens(purpose);
        return {
          get: (mint) => this.#during(() => tokens.get(mint)),
          forget: (token) => this.#during(() => tokens.forget(token)),
        };
      },
      renewKey: (refused, make) => this.#during(() => context.renewKey(refused, make)),
    };
  }

  /** Resolves when nothing is under way, nor about to be. */
  async ended(): Promise<void> {
    await turn();
    while (this.#many > 0) {
      await new Promise<void>((ended) => {
        this.#ended = ended;
      });
      await turn();
    }
  }

  async #during<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    this.#begin();
    try {
      return await work();
    } finally {
      this.#end();
    }
  }

  #begin(): void {
    this.#many += 1;
  }

  #end(): void {
    this.#many -= 1;
    if (this.#many === 0) this.#ended();
  }
}
