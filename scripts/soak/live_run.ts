/**
 * A run that goes on only when it is told to: it stops after each thing that its platform tells, before that is written
 * down, and before it is finished. Whoever holds the reins decides which of several runs takes its next step.
 */
export class LiveRun {
  readonly accountId: string;
  readonly worker: string;
  /** Requests of this run that the provider refused because there were too many. */
  refusals = 0;
  /** What it ended with, when that was an error of ours. */
  error: unknown;
  #ended = false;
  #go: (() => void) | undefined;
  #parked: () => void = () => undefined;

  constructor(accountId: string, worker: string) {
    this.accountId = accountId;
    this.worker = worker;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Begins the run; resolves when it waits at its first gate or has ended. */
  async begin(run: () => Promise<void>): Promise<void> {
    const waits = this.#nextGate();
    void this.#live(run);
    await waits;
  }

  /** Lets it go on; resolves when it waits at its next gate or has ended. */
  async proceed(): Promise<void> {
    const go = this.#go;
    if (go === undefined || this.#ended) throw new Error("this run waits at no gate");
    const waits = this.#nextGate();
    this.#go = undefined;
    go();
    await waits;
  }

  /** Called by the run itself. */
  async gate(): Promise<void> {
    const going = new Promise<void>((go) => {
      this.#go = go;
    });
    this.#parked();
    await going;
  }

  async #live(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.error = error;
    }
    this.#ended = true;
    this.#parked();
  }

  #nextGate(): Promise<void> {
    return new Promise((resolve) => {
      this.#parked = resolve;
    });
  }
}
