import { createHash } from "node:crypto";
import type { Pool } from "pg";
import { z } from "zod";
import { enqueueDueSyncs } from "../../db/queries/dispatch.ts";
import { trackReference } from "../../db/queries/links.ts";
import { platformSource, type PlatformSource } from "../../db/queries/runs.ts";
import { beat } from "../../db/queries/workers.ts";
import type { PlatformSetup } from "../../tasks/@providers/platforms.ts";
import type { LeasedAccount, Platform, SyncContext, SyncStep } from "../../tasks/@sync/platform.ts";
import { payloads } from "../../tasks/@worker/payloads.ts";
import { runSync } from "../../tasks/@worker/run_sync.ts";
import type { RunReport, Runtime } from "../../tasks/@worker/runtime.ts";
import { randomFor, type Random, type Seed } from "../simulators/random.ts";
import { auditedViolations, installAudit } from "./audit.ts";
import { linkCast, type Member } from "./cast.ts";
import { coverageLies, differencesOf, stuckAccounts } from "./examine.ts";
import { Happenings } from "./happenings.ts";
import { LiveRun } from "./live_run.ts";
import { SeededFaults, TIMED_KINDS } from "./seeded_faults.ts";
import { openStage, type Stage } from "./stage.ts";
import type { Violation } from "./violation.ts";
import { WorkUnderWay } from "./work_under_way.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.parse("2026-03-02T09:00:00Z");

/** A bug that is planted to see whether it is caught. */
export type Mutation = {
  /** Changes functions of the database, as their owner. */
  inDatabase?: (owner: Pool) => Promise<void>;
  /** Stands between a platform and the run that it tells its steps to. */
  inPlatform?: (
    steps: (account: LeasedAccount, context: SyncContext) => AsyncIterable<SyncStep>,
    owner: Pool,
  ) => (account: LeasedAccount, context: SyncContext) => AsyncIterable<SyncStep>;
};

export type SteppedOptions = {
  /** A migrated database of its own, by a login that may become app_owner and create a schema. */
  databaseUrl: string;
  seed: Seed;
  accounts: number;
  /** Rounds of: things happen, time passes, what is due is run. */
  rounds: number;
  /** Share of requests that meet a fault. */
  faultRate?: number;
  mutation?: Mutation;
};

export type SteppedReport = {
  seed: Seed;
  /** The first is the one to look at: later ones may follow from it. */
  violations: Violation[];
  /** All that was done and asked, in order. */
  events: string[];
  /** Of `events`: equal for equal options. */
  digest: string;
  runs: Record<string, number>;
  requests: number;
  faults: number;
  kills: number;
  pauses: number;
};

/**
 * The soak on one thread and one clock that stands still between its moves. Several workers' runs are open at once, and
 * a seed decides which takes the next step, which worker dies, which falls asleep and wakes up late, and what its
 * provider answers: the same seed does the same again, request for request.
 */
export async function runStepped(options: SteppedOptions): Promise<SteppedReport> {
  const stage = await openStage({ databaseUrl: options.databaseUrl, seed: options.seed, startAt: START });
  try {
    return await new SteppedSoak(stage, options).run();
  } finally {
    await stage.close();
  }
}

type Task = { platform: PlatformSource; payload: z.infer<typeof payloads.sync> };

const queuedJob = z.object({ id: z.string(), task: z.enum(["mono_sync", "momo_sync"]), payload: payloads.sync });

const SLICES = [MINUTE, 2 * MINUTE, 7 * MINUTE, 20 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 20 * HOUR];

class SteppedSoak {
  readonly #stage: Stage;
  readonly #options: SteppedOptions;
  readonly #runtime: Runtime;
  readonly #faults: SeededFaults;
  readonly #events: string[] = [];
  readonly #violations: Violation[] = [];
  readonly #outcomes = new Map<string, number>();
  /** By name; a dead worker's name is not used again. */
  #workers = ["w1", "w2", "w3"];
  #born = 3;
  #live: LiveRun[] = [];
  /** Runs whose worker is asleep and presumed dead, and the round in which it wakes. */
  #asleep: { run: LiveRun; until: number }[] = [];
  #queue: Task[] = [];
  /** Whose turn it is: every request is this run's. */
  #current: LiveRun | undefined;
  #happenings: Happenings | undefined;
  #requests = 0;
  #kills = 0;
  #pauses = 0;

  constructor(stage: Stage, options: SteppedOptions) {
    this.#stage = stage;
    this.#options = options;
    this.#faults = new SeededFaults({
      seed: options.seed,
      total: Infinity,
      rate: options.faultRate ?? 0.12,
      without: TIMED_KINDS,
    });
    this.#runtime = {
      ...stage.runtime,
      platforms: new Map([...stage.runtime.platforms].map(([name, setup]) => [name, this.#gated(setup)])),
      // Quotas go by machine time, and so would what they make of these runs.
      quotas: new Map(),
      heartbeats: {
        working: (worker, runner) => this.#register(worker, runner),
        register: () => {},
        stop: () => Promise.resolve(),
      },
      onRun: (report) => this.#tell(report),
    };
  }

  async run(): Promise<SteppedReport> {
    const { seed, accounts, rounds, mutation } = this.#options;
    const { owner, mono, momo, runtime } = this.#stage;
    await installAudit(this.#stage.login);
    await mutation?.inDatabase?.(owner);
    // Often enough for a hundred rounds to see many runs.
    await owner.query("update app_private.platforms set default_interval = '6 hours', sync_window = '2 hours'");
    const cast = await linkCast(
      { db: runtime.db, keyring: runtime.keyring, providers: { mono, momo }, seed },
      accounts,
    );
    const happenings = new Happenings({ seed, providers: { mono, momo } }, cast, async (wallet, referenceId) => {
      await trackReference(runtime.db, { accountId: wallet.accountId, referenceId });
    });
    this.#happenings = happenings;
    mono.followFaultPlan(this.#plan("mono"));
    momo.followFaultPlan(this.#plan("sandbox"), "sandbox");
    momo.followFaultPlan(this.#plan("statement"), "statement");

    for (let round = 1; round <= rounds && this.#violations.length === 0; round += 1) {
      const random = randomFor(seed, "round", round);
      await happenings.step();
      await this.#stage.advance(random.pick(SLICES));
      await this.#dispatch(random);
      await this.#wake(round);
      await this.#work(random, round);
      await this.#look(cast, [random.pick(cast), random.pick(cast)]);
    }
    if (this.#violations.length === 0) await this.#end(cast, happenings, rounds);
    const bugs = [mono.state().bugs, ...Object.values(momo.state().hosts).map((host) => host.bugs)].flat();
    for (const bug of bugs) this.#violations.push({ invariant: "simulator", accountId: null, detail: bug });
    return {
      seed,
      violations: this.#violations,
      events: this.#events,
      digest: createHash("sha256").update(this.#events.join("\n")).digest("hex").slice(0, 16),
      runs: Object.fromEntries(this.#outcomes),
      requests: this.#requests,
      faults: this.#faults.injected,
      kills: this.#kills,
      pauses: this.#pauses,
    };
  }

  /** Faults over, everything renewed, three days pass: whatever still differs then is ours. */
  async #end(cast: Member[], happenings: Happenings, rounds: number): Promise<void> {
    const { owner, mono, momo } = this.#stage;
    const random = randomFor(this.#options.seed, "end");
    this.#faults.end();
    happenings.settle();
    await this.#wake(Infinity);
    while (this.#live.length > 0) await this.#proceed(random.pick(this.#live));
    const since = new Date(this.#stage.now());
    for (let slice = 0; slice < 24; slice += 1) {
      await this.#stage.advance(3 * HOUR);
      await this.#dispatch(random);
      await this.#work(random, rounds, { calm: true });
    }
    await this.#look(cast, cast);
    this.#violations.push(...(await stuckAccounts(owner, since)));
    // Once more at this very moment, so that table and ledger speak of the same one.
    await owner.query("update app_private.sync_states set next_sync_at = app_private.clock()");
    await this.#dispatch(random);
    await this.#work(random, rounds, { calm: true });
    for (const member of cast) this.#violations.push(...(await differencesOf(owner, { mono, momo }, member)));
    this.#violations.push(...(await auditedViolations(owner)));
  }

  async #look(cast: Member[], members: Member[]): Promise<void> {
    const { owner, mono, momo } = this.#stage;
    this.#violations.push(...(await auditedViolations(owner)));
    for (const member of new Set(members)) {
      this.#violations.push(...(await coverageLies(owner, { mono, momo }, member)));
    }
    for (const violation of this.#violations) {
      this.#note(`violation ${violation.invariant} ${numberOf(cast, violation.accountId)} ${violation.detail}`);
    }
  }

  /** Takes what the dispatcher put into the queue; the order in which it is run is the seed's. */
  async #dispatch(random: Random): Promise<void> {
    const { db } = this.#runtime;
    let enqueued = 0;
    for (const platform of platformSource.options) enqueued += await enqueueDueSyncs(db, platform, 1000);
    const { rows } = await db.query(
      `select j.id::text, t.identifier as task, j.payload
       from graphile_worker._private_jobs j
       join graphile_worker._private_tasks t on t.id = j.task_id
       where t.identifier in ('mono_sync', 'momo_sync')`,
    );
    const jobs = z.array(queuedJob).parse(rows);
    await db.query("select graphile_worker.complete_jobs($1)", [jobs.map(({ id }) => id)]);
    const known = jobs
      // A wait of seconds has a job of its own at a moment of machine time; here the dispatcher resumes it.
      .toSorted((a, b) => (a.payload.accountId < b.payload.accountId ? -1 : 1))
      .map(({ task, payload }): Task => ({ platform: task === "mono_sync" ? "mono" : "mtn_momo", payload }));
    this.#queue.push(...random.shuffle(known));
    this.#note(`dispatch ${enqueued}, ${known.length} jobs`);
  }

  /** Runs take steps in an order that the seed draws, and now and then disaster strikes. */
  async #work(random: Random, round: number, { calm = false } = {}): Promise<void> {
    while (this.#queue.length > 0 || this.#live.length > 0) {
      const starts = this.#queue.length > 0 && (this.#live.length === 0 || random.chance(0.3));
      if (starts) await this.#start(random.pick(this.#workers));
      else await this.#proceed(random.pick(this.#live));
      if (calm) continue;
      if (random.chance(0.015)) await this.#kill(random.pick(this.#workers));
      if (random.chance(0.015)) await this.#pause(random.pick(this.#workers), round + random.int(0, 3));
      if (random.chance(0.02)) await this.#stage.advance(random.pick(SLICES.slice(0, 5)));
      if (random.chance(0.03)) await this.#happenings?.step();
      // What is under way goes on in the next round, with another clock.
      if (random.chance(0.01)) return;
    }
  }

  async #start(worker: string): Promise<void> {
    const task = this.#queue.shift();
    if (task === undefined) return;
    const run = new LiveRun(task.payload.accountId, worker);
    const stopping = new AbortController().signal;
    this.#note(`start ${worker} ${task.payload.accountId} ${task.payload.runId ?? ""}`);
    this.#current = run;
    await run.begin(() => runSync(this.#runtime, task.platform, task.payload, { worker, stopping }));
    this.#live.push(run);
    this.#afterTurn(run);
  }

  async #proceed(run: LiveRun): Promise<void> {
    this.#current = run;
    await run.proceed();
    this.#afterTurn(run);
  }

  #afterTurn(run: LiveRun): void {
    this.#current = undefined;
    if (!run.ended) return;
    this.#live = this.#live.filter((each) => each !== run);
    if (run.error !== undefined) this.#note(`job failed ${run.accountId} ${describe(run.error)}`);
  }

  /** kill -9: its runs stop where they are, for ever. Found out by its silence. */
  async #kill(worker: string): Promise<void> {
    this.#kills += 1;
    this.#note(`kill ${worker}`);
    this.#live = this.#live.filter((run) => run.worker !== worker);
    await this.#replace(worker);
  }

  /** SIGSTOP: the others take it for dead; it wakes up later and goes on where it was. */
  async #pause(worker: string, until: number): Promise<void> {
    this.#pauses += 1;
    this.#note(`pause ${worker} until ${until}`);
    const runs = this.#live.filter((run) => run.worker === worker);
    this.#asleep.push(...runs.map((run) => ({ run, until })));
    this.#live = this.#live.filter((run) => run.worker !== worker);
    await this.#replace(worker);
  }

  async #wake(round: number): Promise<void> {
    const awake = this.#asleep.filter(({ until }) => until <= round);
    this.#asleep = this.#asleep.filter(({ until }) => until > round);
    for (const { run } of awake) this.#note(`wake ${run.worker} ${run.accountId}`);
    this.#live.push(...awake.map(({ run }) => run));
  }

  async #replace(worker: string): Promise<void> {
    this.#born += 1;
    this.#workers = this.#workers.map((name) => (name === worker ? `w${this.#born}` : name));
    // Machine time is not moved here, so the beats are.
    await this.#stage.owner.query(
      `update app_private.workers
       set beat_at = clock_timestamp() - case when worker_id = $1 then interval '1 hour' else interval '0' end`,
      [worker],
    );
    const { runs_reclaimed: reclaimed } = await beat(this.#runtime.db, "undertaker", "soak", []);
    this.#note(`buried ${worker}, ${reclaimed} runs taken back`);
  }

  async #register(worker: string, runner: string): Promise<() => void> {
    await this.#stage.owner.query(
      `insert into app_private.workers (worker_id, runner) values ($1, $2)
       on conflict (worker_id) do update set beat_at = clock_timestamp()`,
      [worker, runner],
    );
    return () => undefined;
  }

  #gated(setup: PlatformSetup): PlatformSetup {
    const { platform, baseUrl } = setup;
    const original = (account: LeasedAccount, context: SyncContext): AsyncIterable<SyncStep> =>
      platform.sync(account, context);
    const told = this.#options.mutation?.inPlatform?.(original, this.#stage.owner) ?? original;
    const sync: Platform["sync"] = (account, context) => {
      const underWay = new WorkUnderWay();
      return this.#gates(told(account, underWay.watching(context)), underWay);
    };
    return { platform: { ...platform, sync }, baseUrl };
  }

  async *#gates(steps: AsyncIterable<SyncStep>, underWay: WorkUnderWay): AsyncGenerator<SyncStep, void, void> {
    const run = this.#current;
    if (run === undefined) throw new Error("a run began out of turn");
    await run.gate();
    for await (const step of steps) {
      await underWay.ended();
      await run.gate();
      yield step;
    }
    await run.gate();
  }

  #plan(host: "mono" | "sandbox" | "statement"): ReturnType<SeededFaults["plan"]> {
    return this.#faults.plan(host, ({ ordinal, method, path }, fault) => {
      this.#requests += 1;
      this.#note(`request ${host} ${ordinal} ${method} ${path} ${fault?.kind ?? "true"}`);
      if (fault?.kind === "429" || fault?.kind === "429_retry_after") {
        if (this.#current !== undefined) this.#current.refusals += 1;
      }
    });
  }

  #tell({ platform, accountId, runId, outcome }: RunReport): void {
    const kind = outcome.kind === "failed" ? `failed ${outcome.failure.kind}` : outcome.kind;
    this.#outcomes.set(kind, (this.#outcomes.get(kind) ?? 0) + 1);
    this.#note(`run ${runId} ${platform} ${accountId} ${kind}`);
    if (outcome.kind === "success" && (this.#current?.refusals ?? 0) > 0) {
      const detail = `run ${runId} is a success although the provider asked for fewer requests`;
      this.#violations.push({ invariant: "honesty", accountId, detail });
    }
  }

  #note(event: string): void {
    this.#events.push(`${new Date(this.#stage.now()).toISOString()} ${event}`);
  }
}

function numberOf(cast: Member[], accountId: string | null): string {
  return accountId === null ? "" : `account ${cast.findIndex((member) => member.accountId === accountId)}`;
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : typeof error;
