import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import webPush from "web-push";
import { z } from "zod";
import type { PushChannel } from "../../db/queries/deliveries.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { emptyQueue, linkMono } from "../../db/testing/world.ts";
import { SENDS_AT_ONCE } from "../../tasks/@worker/runners.ts";
import type { FaultKind, FaultPlan } from "../simulators/faults.ts";
import { type OneSignalSimulator, startOneSignalSimulator } from "../simulators/onesignal/simulator.ts";
import { type PushServiceSimulator, startPushServiceSimulator } from "../simulators/push_service/simulator.ts";
import { randomFor, uuidFor } from "../simulators/random.ts";
import { WorkerProcesses } from "./worker_processes.ts";

export type NotificationSoakOptions = {
  /** A database of the soak's own, migrated, as a login that may become every role. */
  databaseUrl: string;
  /** Past row level security. */
  owner: Client;
  seed: number;
  /** One account a person, one episode an account. */
  episodes: number;
  workers: number;
  /** Share of the channels' requests that meet a fault. */
  faultRate: number;
  /** Requests between two kills. */
  killEvery: number;
  kills: number;
  say: (line: string) => void;
};

export type NotificationSoakReport = {
  episodes: number;
  /** Deliveries that should have arrived, and did, by channel. */
  delivered: { onesignal: number; web_push: number };
  /** Deliveries to somebody who is not there, each recorded as such. */
  unreachable: number;
  attempts: number;
  faults: number;
  kills: number;
  relapses: number;
  /** Messages that a browser got a second time; it shows them once. */
  repeated: number;
  seconds: number;
  /** What went wrong, in a sentence each. */
  violations: string[];
};

type Browser = { endpoint: string; isGone: boolean };
type Person = {
  userId: string;
  accountId: string;
  onesignal: "reached" | "unsubscribed" | "unknown" | "off";
  browsers: Browser[];
};

/** Nobody's quiet hours are near, and nothing expires before the soak is over. */
const START = "2026-03-10T09:00:00Z";
const WAVES = 10;
const TICK_MS = 400;
/** However slow the machine, something moves in so long: a lost job is added again after five minutes. */
const STUCK_MS = 420_000;

/** Faults that may follow an effect: the caller cannot know of it, and asks again. */
const AFTER_EFFECT: readonly FaultKind[] = ["lost_answer", "cut_midway", "slow"];
const REFUSALS: readonly FaultKind[] = ["429", "429_retry_after", "500", "503", "403", "html", "cut", "hang"];
const KINDS: Record<PushChannel, readonly FaultKind[]> = {
  onesignal: [...AFTER_EFFECT, ...REFUSALS, "malformed", "empty"],
  // A push service says all by its status: a 200 without effect would be a lie that nobody can see through.
  web_push: [...AFTER_EFFECT, ...REFUSALS],
};

/**
 * Many episodes over channels that fail, with workers that are killed while they send: real processes, real queue, both
 * simulators. Some episodes seem over and relapse meanwhile. Who was told what is counted by the simulators.
 */
export async function runNotificationSoak(options: NotificationSoakOptions): Promise<NotificationSoakReport> {
  const { seed } = options;
  const folder = await mkdtemp(join(tmpdir(), "tidemark-notifications-"));
  const oneSignal = await startOneSignalSimulator({ seed, rateLimit: null, userRateLimit: null });
  const push = await startPushServiceSimulator({ seed });
  const certificate = join(folder, "push_service.pem");
  await writeFile(certificate, push.certificate);
  const vapid = webPush.generateVAPIDKeys();
  const workers = new WorkerProcesses(
    {
      DATABASE_URL: options.databaseUrl,
      TIDEMARK_ENCRYPTION_KEYS: `soak:${canarySecret("base64")}`,
      PUBLIC_URL: "https://sync.example.com",
      ONESIGNAL_BASE_URL: oneSignal.url,
      ONESIGNAL_APP_ID: oneSignal.appId,
      ONESIGNAL_API_KEY: oneSignal.apiKey,
      VAPID_PUBLIC_KEY: vapid.publicKey,
      VAPID_PRIVATE_KEY: vapid.privateKey,
      VAPID_SUBJECT: "mailto:operations@example.com",
      NODE_EXTRA_CA_CERTS: certificate,
    },
    ["--deadline-ms", "2000"],
  );
  try {
    return await new NotificationSoak(options, { oneSignal, push, workers, vapidKey: vapid.publicKey }).run();
  } finally {
    await workers.stop(15_000);
    await oneSignal.close();
    await push.close();
    await rm(folder, { recursive: true, force: true });
  }
}

type Parts = { oneSignal: OneSignalSimulator; push: PushServiceSimulator; workers: WorkerProcesses; vapidKey: string };

const deliveryRows = z.array(
  z.object({
    id: z.guid(),
    user_id: z.guid(),
    channel: z.enum(["onesignal", "web_push"]),
    outcome: z.string().nullable(),
    code: z.string().nullable(),
    attempts: z.number(),
  }),
);

class NotificationSoak {
  readonly #options: NotificationSoakOptions;
  readonly #parts: Parts;
  readonly #people: Person[] = [];
  readonly #violations: string[] = [];
  readonly #strikes: Promise<void>[] = [];
  #requests = 0;
  #faults = 0;
  #kills = 0;

  constructor(options: NotificationSoakOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
  }

  async run(): Promise<NotificationSoakReport> {
    const { owner, say, workers: many } = this.#options;
    const { oneSignal, push, workers } = this.#parts;
    await owner.query("select app_private.set_clock($1)", [START]);
    await owner.query(
      "insert into app_private.push_services (host, port, name) values ('localhost', $1, 'simulator')",
      [push.port],
    );
    await this.#castPeople();
    oneSignal.followFaultPlan(this.#plan("onesignal"));
    push.followFaultPlan(this.#plan("web_push"));
    await workers.start(many);
    const startedAt = performance.now();

    const waves = Array.from({ length: WAVES }, (_, wave) => this.#people.filter((_person, n) => n % WAVES === wave));
    let relapses = 0;
    let moved = { requests: 0, at: startedAt };
    for (let tick = 0; ; tick += 1) {
      const wave = waves[tick];
      if (wave !== undefined) await this.#detect(wave);
      // Some of those who were told before seem to have come back, and have not.
      const earlier = waves[tick - 2] ?? [];
      const relapsing = earlier.filter(({ accountId }) =>
        randomFor(this.#options.seed, "relapse", accountId).chance(0.2),
      );
      await this.#recover(relapsing);
      await this.#moveOn();
      await this.#detect(relapsing);
      relapses += relapsing.length;
      if (tick > WAVES + 2 && (await this.#open()) === 0) break;
      if (moved.requests !== this.#requests) moved = { requests: this.#requests, at: performance.now() };
      if (performance.now() - moved.at > STUCK_MS) {
        this.#violations.push(
          `${await this.#open()} deliveries are open, and none was tried for ${STUCK_MS / 1_000} s`,
        );
        break;
      }
      if (tick % 25 === 0) say(`${await this.#open()} open, ${this.#requests} requests, ${this.#kills} kills`);
    }
    await Promise.all(this.#strikes);
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const report = await this.#examine();
    return { ...report, relapses, seconds };
  }

  /** People, their accounts, and how they can be reached. */
  async #castPeople(): Promise<void> {
    const { owner, seed, episodes } = this.#options;
    const { oneSignal, push, vapidKey } = this.#parts;
    for (let n = 0; n < episodes; n += 1) {
      const random = randomFor(seed, "person", n);
      const userId = uuidFor(seed, "user", n);
      const { accountId } = await linkMono(owner, { userId });
      const onesignal = random.pick([
        ...Array.from({ length: 16 }, () => "reached" as const),
        "unsubscribed",
        "unknown",
        "off",
        "off",
      ] as const);
      if (onesignal === "reached" || onesignal === "off") oneSignal.putUser(userId);
      if (onesignal === "unsubscribed") oneSignal.putUser(userId, { subscribed: false });
      const browsers: Browser[] = [];
      for (let many = random.pick([0, 0, 1, 1, 2]); many > 0; many -= 1) {
        const { endpoint, keys } = push.subscribe({ applicationServerKey: vapidKey });
        const isGone = random.chance(0.05);
        if (isGone) push.setStatus(endpoint, "gone");
        await owner.query(
          "insert into app_public.push_subscriptions (user_id, endpoint, p256dh, auth, saved_at) values ($1, $2, $3, $4, app_private.clock())",
          [userId, endpoint, keys.p256dh, keys.auth],
        );
        browsers.push({ endpoint, isGone });
      }
      if (onesignal === "off") {
        await owner.query("insert into app_public.notification_channels values ($1, 'mono', 'onesignal', false)", [
          userId,
        ]);
      }
      this.#people.push({ userId, accountId, onesignal, browsers });
    }
    await emptyQueue(owner);
  }

  /** A fault for the n-th request of a channel, and now and then a worker that dies in the middle of it. */
  #plan(channel: PushChannel): FaultPlan {
    const { seed, faultRate, killEvery, kills } = this.#options;
    return ({ ordinal }) => {
      this.#requests += 1;
      if (this.#requests % killEvery === 0 && this.#kills < kills) this.#strikes.push(this.#strike());
      const random = randomFor(seed, "fault", channel, ordinal);
      if (!random.chance(faultRate)) return null;
      this.#faults += 1;
      return {
        kind: random.pick(KINDS[channel]),
        delayMs: random.int(20, 300),
        retryAfterSeconds: random.pick([1, 30, 120]),
      };
    };
  }

  async #strike(): Promise<void> {
    const { workers } = this.#parts;
    this.#kills += 1;
    const random = randomFor(this.#options.seed, "strike", this.#kills);
    await pause(random.int(0, 30));
    const working = workers.working();
    if (working.length > 0) await workers.kill(random.pick(working));
  }

  /** Mono tells of accounts whose consent has ended. */
  async #detect(people: readonly Person[]): Promise<void> {
    await this.#options.owner.query("select app_private.require_owner(id) from unnest($1::uuid[]) as a (id)", [
      people.map(({ accountId }) => accountId),
    ]);
  }

  async #recover(people: readonly Person[]): Promise<void> {
    await this.#options.owner.query("select app_private.close_episodes($1, 'sync')", [
      people.map(({ accountId }) => accountId),
    ]);
  }

  /**
   * The crontab's minute comes, and business time passes once the workers have begun all that is due, to when the next is: on
   * a slow machine it would else run away from them, until messages expire that they had no time to try.
   */
  async #moveOn(): Promise<void> {
    const { owner } = this.#options;
    await owner.query(
      `select app_private.set_clock(greatest(
         app_private.clock() + interval '2 minutes',
         (select min(next_attempt_at) from app_private.deliveries where outcome is null)
       ))
       where not exists (
         select from graphile_worker.jobs
         where task_identifier in ('send_onesignal', 'send_web_push') and locked_at is null and run_at <= now()
           and attempts < max_attempts
       )`,
    );
    await owner.query("select graphile_worker.add_job('enqueue_due_deliveries', job_key => 'enqueue_due_deliveries')");
    await pause(TICK_MS);
  }

  async #open(): Promise<number> {
    const { rows } = await this.#options.owner.query(
      "select count(*)::int as open from app_private.deliveries where outcome is null",
    );
    return z.array(z.object({ open: z.number() })).parse(rows)[0]?.open ?? 0;
  }

  async #examine(): Promise<Omit<NotificationSoakReport, "relapses" | "seconds">> {
    const { owner, episodes } = this.#options;
    const { oneSignal, push, workers } = this.#parts;
    const complain = (sentence: string): void => void this.#violations.push(sentence);
    const { rows } = await owner.query(
      "select id, user_id, channel, outcome, code, attempts from app_private.deliveries where channel <> 'in_app'",
    );
    const deliveries = deliveryRows.parse(rows);
    const told = await owner.query(
      `select e.account_id from app_private.auth_episodes e
       left join app_public.notifications n on n.episode_id = e.id
       group by e.account_id having count(distinct e.id) <> 1 or count(n.id) <> 1`,
    );
    if (told.rows.length > 0) complain(`${told.rows.length} accounts do not have one episode with one notification`);

    const delivered = { onesignal: 0, web_push: 0 };
    let unreachable = 0;
    let repeated = 0;
    for (const person of this.#people) {
      const mine = deliveries.filter(({ user_id: id }) => id === person.userId);
      const overOneSignal = mine.filter(({ channel }) => channel === "onesignal");
      const got = oneSignal.received(person.userId).length;
      const expected = person.onesignal === "reached" ? 1 : 0;
      if (got !== expected) complain(`${person.userId} (${person.onesignal}) got ${got} over OneSignal`);
      for (const { id, outcome, code } of overOneSignal) {
        const created = oneSignal.keyCount(id).created;
        if (person.onesignal === "reached" && (outcome !== "delivered" || created !== 1)) {
          complain(`OneSignal made ${created} of ${id}, recorded as ${outcome} ${code}`);
        }
        if (person.onesignal !== "reached" && outcome !== "unreachable") {
          complain(`${id} to somebody ${person.onesignal} ended as ${outcome} ${code}`);
        }
      }
      if (overOneSignal.length !== (person.onesignal === "off" ? 0 : 1)) {
        complain(`${person.userId} (${person.onesignal}) has ${overOneSignal.length} deliveries over OneSignal`);
      }
      delivered.onesignal += got;

      const overWebPush = mine.filter(({ channel }) => channel === "web_push");
      if (overWebPush.length !== person.browsers.length) {
        complain(`${person.browsers.length} browsers of ${person.userId} have ${overWebPush.length} deliveries`);
      }
      const goneCount = person.browsers.filter(({ isGone }) => isGone).length;
      const endedAs = (outcome: string) => overWebPush.filter((one) => one.outcome === outcome).length;
      if (endedAs("unreachable") !== goneCount || endedAs("delivered") !== overWebPush.length - goneCount) {
        complain(
          `browsers of ${person.userId}: ${overWebPush.map(({ outcome, code }) => `${outcome} ${code}`).join(", ")}`,
        );
      }
      for (const { endpoint, isGone } of person.browsers) {
        const shown = push.shown(endpoint);
        if (shown.length !== (isGone ? 0 : 1)) complain(`a browser of ${person.userId} shows ${shown.length}`);
        delivered.web_push += shown.length;
        repeated += shown.reduce((sum, { times }) => sum + times - 1, 0);
      }
      unreachable += mine.filter(({ outcome }) => outcome === "unreachable").length;
    }
    const { injected } = push.state().faults;
    const doubtful = AFTER_EFFECT.reduce((sum, kind) => sum + (injected[kind] ?? 0), 0);
    const explained = doubtful + SENDS_AT_ONCE * this.#kills;
    if (repeated > explained) {
      complain(`${repeated} messages came twice, of which kills and lost answers explain ${explained}`);
    }
    const { rows: left } = await owner.query("select from app_public.push_subscriptions");
    const expectedLeft = this.#people.flatMap(({ browsers }) => browsers).filter(({ isGone }) => !isGone).length;
    if (left.length !== expectedLeft) complain(`${left.length} subscriptions are left instead of ${expectedLeft}`);
    for (const bug of [...oneSignal.state().bugs, ...push.state().bugs]) complain(`a simulator failed: ${bug}`);
    for (const end of workers.unexpectedEnds()) complain(end);
    return {
      episodes,
      delivered,
      unreachable,
      attempts: deliveries.reduce((sum, { attempts }) => sum + attempts, 0),
      faults: this.#faults,
      kills: this.#kills,
      repeated,
      violations: this.#violations,
    };
  }
}
