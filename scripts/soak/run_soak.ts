import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { enqueueDueSyncs } from "../../db/queries/dispatch.ts";
import { trackReference } from "../../db/queries/links.ts";
import { platformSource } from "../../db/queries/runs.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { storedCanaries } from "../../db/testing/canaries/stored.ts";
import { parseKeyring } from "../../tasks/@credentials/keyring.ts";
import { startMonoSimulator } from "../simulators/mono/simulator.ts";
import { startMomoSimulator } from "../simulators/momo/simulator.ts";
import { randomFor } from "../simulators/random.ts";
import { auditedViolations, installAudit } from "./audit.ts";
import { linkCast, type Member, type Providers } from "./cast.ts";
import { Disasters } from "./disasters.ts";
import { coverageLies, differencesOf, lastRuns, stuckAccounts } from "./examine.ts";
import { Happenings } from "./happenings.ts";
import { patiently } from "./patiently.ts";
import { median, recoveries, storyOf } from "./recovery.ts";
import { SeededFaults } from "./seeded_faults.ts";
import { SharedClock } from "./shared_clock.ts";
import { openSoakDatabase, type SoakDatabase } from "./soak_database.ts";
import type { Violation } from "./violation.ts";
import { WorkerProcesses } from "./worker_processes.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.parse("2026-03-02T09:00:00Z");

export type SoakOptions = {
  seed: number;
  accounts: number;
  /** The soak goes on until so many were injected. */
  faults: number;
  workers: number;
  /** Seconds of machine time between two kills; 0: none. */
  killEvery: number;
  /** Seconds between two workers that fall asleep; 0: none. */
  pauseEvery: number;
  /** Crashes of Postgres, spread over the soak. */
  crashes: number;
  /** Share of requests that meet a fault. */
  faultRate: number;
  /** Requests a second that each provider allows, and that the quota is set to. */
  limit: number;
  /** Another quota than that, null for none: then the provider's limit must be seen to break. */
  quota?: number | null;
  /** How far it is, in a line. */
  say: (line: string) => void;
};

export type SoakReport = {
  seed: number;
  accounts: number;
  transactions: number;
  requests: number;
  runs: Record<string, number>;
  faults: number;
  happenings: number;
  virtual_days: number;
  kills: number;
  pauses: number;
  crashes: number;
  failed_starts: number;
  missing: number;
  duplicated: number;
  different: number;
  coverage_lies: number;
  limit_breaches: number;
  double_runs: number;
  fence_breaks: number;
  stuck_accounts: number;
  locked_jobs: number;
  /** Killed workers' accounts: seconds from the kill to their next run. Null without kills that interrupted a run. */
  worst_recovery_s: number | null;
  median_recovery_s: number | null;
  recovered_runs: number;
  /** Killed workers' accounts that never ran again. */
  unrecovered_runs: number;
  seconds: number;
  violations: Violation[];
  /** Warnings and errors of the workers' logs, and how often. */
  problems: Record<string, number>;
};

/** Recovery is promised within this, and half of them within the half. */
const LONGEST_RECOVERY_S = 60;
const MEDIAN_RECOVERY_S = 30;

/**
 * Real workers on a real Postgres against both simulators: weeks of business time in which requests fail, workers are
 * killed and put to sleep, and the database crashes. In the end the faults stop, three days pass, and the table must be
 * what the providers' truth is.
 */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const database = await openSoakDatabase();
  const clock = new SharedClock(database.owner);
  const { seed, limit } = options;
  const mono = await startMonoSimulator({
    seed,
    now: clock.machineNow,
    rateLimit: { limit, windowMs: 1_000, clock: "machine" },
  });
  const momo = await startMomoSimulator({ seed, now: clock.machineNow, rateLimit: { limit, windowMs: 1_000 } });
  const providers = { mono, momo };
  clock.attach(providers);
  const keys = `soak:${canarySecret("base64")}`;
  const workers = new WorkerProcesses(
    {
      DATABASE_URL: database.url,
      TIDEMARK_ENCRYPTION_KEYS: keys,
      MONO_BASE_URL: mono.url,
      MONO_SECRET_KEY: mono.secretKey,
      MOMO_BASE_URL: momo.url,
      MOMO_SUBSCRIPTION_KEY: momo.subscriptionKeys[0] ?? "",
      MADAPI_BASE_URL: momo.statementUrl,
    },
    [...concurrencyFor(options), "--deadline-ms", "800"],
  );
  try {
    return await new Soak(options, { database, clock, providers, workers, keys }).run();
  } finally {
    await workers.stop(15_000);
    await mono.close();
    await momo.close();
    await database.close();
  }
}

/** So few that one worker cannot hold all accounts: then nothing would happen until it is found dead. */
const concurrencyFor = ({ accounts }: SoakOptions): string[] => [
  "--concurrency",
  `${Math.min(8, Math.ceil(accounts / 8))}`,
];

type Parts = {
  database: SoakDatabase;
  clock: SharedClock;
  providers: Providers;
  workers: WorkerProcesses;
  keys: string;
};

const SLICES = [2 * MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 2 * HOUR, 5 * HOUR];

class Soak {
  readonly #options: SoakOptions;
  readonly #database: SoakDatabase;
  readonly #clock: SharedClock;
  readonly #providers: Providers;
  readonly #workers: WorkerProcesses;
  readonly #keys: string;
  readonly #faults: SeededFaults;
  readonly #disasters: Disasters;
  readonly #violations: Violation[] = [];
  readonly #startedAt = performance.now();

  constructor(options: SoakOptions, { database, clock, providers, workers, keys }: Parts) {
    this.#options = options;
    this.#database = database;
    this.#clock = clock;
    this.#providers = providers;
    this.#workers = workers;
    this.#keys = keys;
    this.#faults = new SeededFaults({ seed: options.seed, total: options.faults, rate: options.faultRate });
    this.#disasters = new Disasters(options, database, workers);
  }

  async run(): Promise<SoakReport> {
    const { seed, accounts, faults, say } = this.#options;
    const { owner, worker, login } = this.#database;
    const { mono, momo } = this.#providers;
    await this.#clock.moveTo(START);
    await installAudit(login);
    await owner.query("update app_private.platforms set default_interval = '45 minutes', sync_window = '30 minutes'");
    await owner.query("update app_private.quotas set requests = $1", [
      this.#options.quota === undefined ? this.#options.limit : this.#options.quota,
    ]);
    const keyring = parseKeyring(this.#keys);
    const cast = await linkCast({ db: worker, keyring, providers: this.#providers, seed }, accounts);
    const happenings = new Happenings({ seed, providers: this.#providers }, cast, async (wallet, referenceId) => {
      await patiently(() => trackReference(worker, { accountId: wallet.accountId, referenceId }));
    });
    mono.followFaultPlan(this.#plan("mono"));
    momo.followFaultPlan(this.#plan("sandbox"), "sandbox");
    momo.followFaultPlan(this.#plan("statement"), "statement");
    await this.#workers.start(this.#options.workers);
    this.#disasters.begin();
    say(`seed ${seed}: ${accounts} accounts, ${this.#options.workers} workers`);

    let said = 0;
    for (let step = 1; !this.#faults.exhausted && this.#violations.length === 0; step += 1) {
      const random = randomFor(seed, "step", step);
      await happenings.step();
      await this.#pass(random.pick(SLICES));
      await this.#quiet(300);
      await this.#disasters.strike(this.#faults.injected / faults);
      await this.#look([random.pick(cast), random.pick(cast)]);
      if (performance.now() - said > 5_000) {
        said = performance.now();
        say(this.#progress(step));
      }
    }
    await this.#explain(cast);
    await this.#end(cast, happenings);
    await this.#explain(cast);
    return this.#report(cast, happenings);
  }

  /** Faults over, everything renewed, everybody awake, three days pass: whatever is wrong then is ours. */
  async #end(cast: Member[], happenings: Happenings): Promise<void> {
    const { owner } = this.#database;
    this.#options.say(`${this.#progress(0)}; the faults end`);
    this.#faults.end();
    await this.#disasters.end();
    happenings.settle();
    if (this.#violations.length > 0) return;
    // Nothing is left unanswered any more. A busy machine answers later than the short deadline, which would be no fault of ours.
    await this.#workers.replace(concurrencyFor(this.#options), 15_000);
    const since = new Date(this.#clock.now());
    await this.#burials();
    for (let slice = 0; slice < 12; slice += 1) {
      await this.#pass(6 * HOUR);
      await this.#quiet(10_000);
    }
    this.#violations.push(...(await stuckAccounts(owner, since)));
    for (const member of cast) await this.#look([member]);
    // The limits slide by machine time, which stands still now.
    const breaches = this.#breaches();
    this.#providers.mono.setRateLimit(null);
    this.#providers.momo.setRateLimit(null);
    if (breaches > 0)
      this.#blame("limit", `${breaches} requests came above the limit of ${this.#options.limit} a second`);
    // Mono refreshes an account once in five minutes: later than that, so that everybody's data speaks for this moment.
    await this.#clock.stopAfter(HOUR);
    await owner.query("update app_private.sync_states set next_sync_at = app_private.clock()");
    await this.#dispatch();
    await this.#quiet(30_000);
    for (const member of cast) this.#violations.push(...(await differencesOf(owner, this.#providers, member)));
    const { mono, momo } = this.#providers;
    const bugs = [mono.state().bugs, ...Object.values(momo.state().hosts).map((host) => host.bugs)].flat();
    for (const bug of bugs) this.#blame("simulator", bug);
    for (const leak of await this.#leaks()) this.#blame("leak", leak);
    for (const end of this.#workers.unexpectedEnds()) this.#blame("worker", end);
    for (const stop of this.#workers.slowStops()) this.#blame("stop", stop);
  }

  /** Secrets, account and phone numbers that were stored where none is meant to be. */
  async #leaks(): Promise<string[]> {
    const session = await this.#database.login.connect();
    try {
      return await storedCanaries(session);
    } finally {
      session.release();
    }
  }

  /** Business time passes, for the quota's memory of refusals too; then the dispatcher has its minute. */
  async #pass(milliseconds: number): Promise<void> {
    await this.#clock.moveTo(this.#clock.now() + milliseconds);
    await patiently(() =>
      this.#database.owner.query(
        `update app_private.quotas set refused_at = refused_at - $1 * interval '1 ms', blocked_until = blocked_until - $1 * interval '1 ms'
         where refused_at is not null`,
        [milliseconds],
      ),
    );
    await this.#dispatch();
  }

  async #dispatch(): Promise<void> {
    for (const platform of platformSource.options) {
      await patiently(() => enqueueDueSyncs(this.#database.worker, platform, 1000));
    }
  }

  /** Waits until nobody works any more, or for so long; a moment in any case, or years would pass while the dead wait. */
  async #quiet(longestMs: number): Promise<void> {
    const until = performance.now() + longestMs;
    let busy: string[] = [];
    do {
      await pause(busy.length === 0 ? 60 : 15);
      const { rows } = await patiently(() =>
        this.#database.owner.query(
          `select format('run %s of %s, held by %s', run_id, account_id, held_by) as what
           from app_private.sync_states where held_by is not null and held_by <> all ($1)
           union all
           select format('%s job %s, attempt %s, locked by %s', task_identifier, id, attempts, locked_by)
           from graphile_worker.jobs
           where run_at <= now() and attempts < max_attempts and coalesce(locked_by <> all ($1), true)`,
          [this.#workers.silentPools()],
        ),
      );
      busy = z
        .array(z.object({ what: z.string() }))
        .parse(rows)
        .map(({ what }) => what);
      if (busy.length === 0) return;
    } while (performance.now() < until);
    if (longestMs > 1_000) this.#options.say(`still busy after ${longestMs} ms: ${busy.slice(0, 5).join("; ")}`);
  }

  /** Waits until nothing is held by the dead, for as long as that is promised to take. */
  async #burials(): Promise<void> {
    const until = performance.now() + LONGEST_RECOVERY_S * 1_000;
    for (;;) {
      const dead = this.#workers.deadPools();
      const { rows } = await this.#database.owner.query(
        `select held_by as pool, 'the run of ' || account_id as what from app_private.sync_states where held_by = any ($1)
         union all
         select locked_by, task_identifier || ' job ' || id from graphile_worker.jobs where locked_by = any ($1)`,
        [dead],
      );
      const left = z.array(z.object({ pool: z.string(), what: z.string() })).parse(rows);
      if (left.length === 0) return;
      if (performance.now() > until) {
        for (const { pool, what } of left) this.#blame("locked_job", `${what} is still held by ${pool}, which is dead`);
        return;
      }
      await this.#pass(MINUTE);
      await pause(250);
    }
  }

  async #look(members: Member[]): Promise<void> {
    const { owner } = this.#database;
    for (const member of members) {
      this.#violations.push(...(await patiently(() => coverageLies(owner, this.#providers, member))));
    }
    const audited = await patiently(() => auditedViolations(owner));
    if (!this.#violations.some(({ invariant }) => AUDITED.has(invariant))) this.#violations.push(...audited);
  }

  #plan(host: "mono" | "sandbox" | "statement"): ReturnType<SeededFaults["plan"]> {
    return this.#faults.plan(host, (request) => this.#disasters.sawRequest(host, request.ordinal));
  }

  /** What led to the first violation: runs and requests of its account. */
  async #explain(cast: Member[]): Promise<void> {
    const [first] = this.#violations;
    const member = cast.find(({ accountId }) => accountId === first?.accountId);
    if (first === undefined || first.ledTo !== undefined) return;
    if (member === undefined) {
      first.ledTo = this.#workers.lastLines().slice(-20);
      return;
    }
    const { mono, momo } = this.#providers;
    const requests = [mono.state().recent, ...Object.values(momo.recentRequests())]
      .flat()
      .filter(({ path }) => path.includes(member.externalId))
      .map((request) => `${new Date(request.at).toISOString()} ${request.method} ${request.path} ${request.status}`);
    first.ledTo = [...(await lastRuns(this.#database.owner, member.accountId)).toReversed(), ...requests.slice(-20)];
  }

  #blame(invariant: Violation["invariant"], detail: string): void {
    this.#violations.push({ invariant, accountId: null, detail });
  }

  #breaches(): number {
    const { mono, momo } = this.#providers;
    const hosts = Object.values(momo.state().hosts);
    return mono.state().breaches + hosts.reduce((sum, host) => sum + host.breaches, 0);
  }

  #requests(): number {
    const { mono, momo } = this.#providers;
    const counts = [mono.requests(), ...Object.values(momo.state().hosts).map(({ requests }) => requests)];
    return counts.flatMap((routes) => Object.values(routes)).reduce((sum, count) => sum + count, 0);
  }

  #progress(step: number): string {
    const { kills, pauses, crashes } = this.#disasters;
    const days = ((this.#clock.now() - START) / (24 * HOUR)).toFixed(1);
    return `${step === 0 ? "" : `step ${step}: `}day ${days}, ${this.#requests()} requests, ${this.#faults.injected} faults, ${kills} kills, ${pauses} sleepers, ${crashes} crashes, ${this.#violations.length} violations`;
  }

  async #report(cast: Member[], happenings: Happenings): Promise<SoakReport> {
    const { owner } = this.#database;
    const times = await recoveries(owner, this.#disasters.killed());
    const recovered = times.flatMap(({ seconds }) => (seconds === null ? [] : [seconds]));
    const latest = times.toSorted((a, b) => (b.seconds ?? -1) - (a.seconds ?? -1))[0];
    const worst = latest?.seconds ?? null;
    const middle = median(recovered);
    const unrecovered = times.length - recovered.length;
    if (latest !== undefined && worst !== null && worst > LONGEST_RECOVERY_S) {
      this.#violations.push({
        invariant: "recovery",
        accountId: latest.accountId,
        detail: `an account ran again ${worst} s after its worker was killed at ${latest.where} (${latest.killedAt})`,
        ledTo: await storyOf(owner, latest),
      });
    }
    if (middle !== null && middle > MEDIAN_RECOVERY_S)
      this.#blame("recovery", `half of the accounts ran again later than ${middle} s after their worker was killed`);
    if (unrecovered > 0)
      this.#blame("recovery", `${unrecovered} accounts never ran again after their worker was killed`);
    const { rows: runs } = await owner.query(
      "select coalesce(failure_kind::text, status::text) as kind, count(*)::integer as runs from app_public.sync_logs group by 1 order by 2 desc",
    );
    const { rows: stored } = await owner.query("select count(*)::integer as count from app_public.transactions");
    const count = (...invariants: Violation["invariant"][]): number =>
      this.#violations.filter(({ invariant }) => invariants.includes(invariant)).length;
    return {
      seed: this.#options.seed,
      accounts: cast.length,
      transactions: z.array(z.object({ count: z.number() })).parse(stored)[0]?.count ?? 0,
      requests: this.#requests(),
      runs: Object.fromEntries(
        z
          .array(z.object({ kind: z.string(), runs: z.number() }))
          .parse(runs)
          .map(({ kind, runs: many }) => [kind, many]),
      ),
      faults: this.#faults.injected,
      happenings: happenings.count,
      virtual_days: Math.round((this.#clock.now() - START) / (24 * HOUR)),
      kills: this.#disasters.kills,
      pauses: this.#disasters.pauses,
      crashes: this.#disasters.crashes,
      failed_starts: this.#workers.failedStarts,
      missing: count("missing"),
      duplicated: count("duplicated"),
      different: count("different"),
      coverage_lies: count("coverage"),
      limit_breaches: this.#breaches(),
      double_runs: count("double_run"),
      fence_breaks: count("fence", "closed_run", "last_synced_at"),
      stuck_accounts: count("stuck"),
      locked_jobs: count("locked_job"),
      worst_recovery_s: worst,
      median_recovery_s: middle,
      recovered_runs: recovered.length,
      unrecovered_runs: unrecovered,
      seconds: Math.round((performance.now() - this.#startedAt) / 1_000),
      violations: this.#violations,
      problems: this.#workers.problems(),
    };
  }
}

const AUDITED = new Set<Violation["invariant"]>(["last_synced_at", "closed_run", "fence", "double_run"]);
