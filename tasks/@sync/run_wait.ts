/** The run can go on only later, and nobody is to blame: it is suspended, and takes up where it was. */
export class RunWaitError extends Error {
  override readonly name: string = "RunWaitError";
  /** Milliseconds from now on. */
  readonly waitMs: number;

  constructor(message: string, waitMs: number) {
    super(message);
    this.waitMs = waitMs;
  }
}
