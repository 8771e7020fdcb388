import { z } from "zod";
import { randomFor, type Seed } from "../simulators/random.ts";
import { patiently } from "./patiently.ts";
import type { Killed } from "./recovery.ts";
import type { SoakDatabase } from "./soak_database.ts";
import type { WorkerProcess, WorkerProcesses } from "./worker_processes.ts";

/** Longer than the 20 seconds after which a silent worker is presumed dead. */
const SLEEP_MS = 27_000;

export type DisasterSettings = {
  seed: Seed;
  workers: number;
  killEvery: number;
  pauseEvery: number;
  crashes: number;
  say: (line: string) => void;
};

/**
 * Kills, sleepers and power cuts. A kill that is due strikes at a request: its ordinal decides whether it strikes there,
 * whom, and how many milliseconds after the request came, so that it meets workers at their work.
 */
export class Disasters {
  readonly #settings: DisasterSettings;
  readonly #database: SoakDatabase;
  readonly #workers: WorkerProcesses;
  readonly #killed: Killed[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #failure: { error: unknown } | undefined;
  #killDueAt = Infinity;
  #pauseDueAt = Infinity;
  #asleep: { worker: WorkerProcess; until: number }[] = [];
  #ended = false;
  kills = 0;
  pauses = 0;
  crashes = 0;

  constructor(settings: DisasterSettings, database: SoakDatabase, workers: WorkerProcesses) {
    this.#settings = settings;
    this.#database = database;
    this.#workers = workers;
  }

  /** The workers are at work: from now on it may strike. */
  begin(): void {
    this.#killDueAt = next(this.#settings.killEvery);
    // The first soon: a sleeper needs half a minute to show what it does.
    this.#pauseDueAt = this.#settings.pauseEvery === 0 ? Infinity : performance.now() + 2_000;
  }

  killed(): readonly Killed[] {
    return this.#killed;
  }

  /** Called as a request arrives at a host, before it is answered. */
  sawRequest(host: string, ordinal: number): void {
    if (this.#ended || performance.now() < this.#killDueAt) return;
    const random = randomFor(this.#settings.seed, "kill", host, ordinal);
    const working = this.#workers.working();
    // A lone worker is not killed while its fellows still start: kills are to meet work, not to prevent it.
    if (!random.chance(0.3) || working.length < Math.min(2, this.#settings.workers)) return;
    this.#killDueAt = next(this.#settings.killEvery);
    const victim = random.pick(working);
    const delay = random.int(0, 40);
    const where = `request ${ordinal} to ${host}, ${delay} ms later: worker ${victim.number}`;
    setTimeout(() => this.#watch(this.#kill(victim, where)), delay);
  }

  /** Between two steps: what sleeps is woken, and the rarer disasters happen. @param progress 0 to 1 */
  async strike(progress: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const now = performance.now();
    for (const { worker } of this.#asleep.filter(({ until }) => until <= now)) this.#wake(worker);
    if (now >= this.#pauseDueAt && this.#workers.working().length > 1) {
      this.#pauseDueAt = next(this.#settings.pauseEvery);
      const random = randomFor(this.#settings.seed, "sleeper", this.pauses);
      const worker = random.pick(this.#workers.working());
      this.pauses += 1;
      this.#workers.pause(worker);
      this.#asleep.push({ worker, until: now + SLEEP_MS });
      this.#settings.say(`worker ${worker.number} falls asleep`);
    }
    if (this.crashes < this.#settings.crashes && progress >= (this.crashes + 1) / (this.#settings.crashes + 1)) {
      this.crashes += 1;
      const startedAt = performance.now();
      await this.#database.crash();
      this.#settings.say(`Postgres crashed, and is back after ${Math.round(performance.now() - startedAt)} ms`);
    }
  }

  /** No more of it; whoever sleeps is woken. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#underWay);
    for (const { worker } of this.#asleep) this.#wake(worker);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #wake(worker: WorkerProcess): void {
    this.#asleep = this.#asleep.filter((each) => each.worker !== worker);
    this.#workers.resume(worker);
    this.#settings.say(`worker ${worker.number} wakes up`);
  }

  async #kill(victim: WorkerProcess, where: string): Promise<void> {
    if (victim.state !== "running" || this.#ended) return;
    this.kills += 1;
    await this.#workers.kill(victim);
    const { rows } = await patiently(() =>
      this.#database.owner.query(
        "select clock_timestamp()::text as at, array(select account_id::text from app_private.sync_states where held_by = any ($1)) as accounts",
        [[...victim.pools]],
      ),
    );
    this.#killed.push(
      ...z
        .array(z.object({ at: z.string(), accounts: z.array(z.string()) }))
        .parse(rows)
        .map((row) => ({ where, pools: [...victim.pools], ...row })),
    );
    this.#settings.say(`killed at ${where}`);
  }

  #watch(disaster: Promise<void>): void {
    const watched = disaster
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#underWay.delete(watched));
    this.#underWay.add(watched);
  }
}

function next(everySeconds: number): number {
  return everySeconds === 0 ? Infinity : performance.now() + everySeconds * 1_000;
}
