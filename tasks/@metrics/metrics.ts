import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, type OpenMetricsContentType } from "prom-client";
import { type GaugeRow, readGauges } from "../../db/queries/gauges.ts";
import type { Queryable } from "../../db/queryable.ts";
import type { Log } from "../../db/log.ts";
import { failureKind, type PlatformSource, platformSource } from "../../db/queries/runs.ts";
import type { DeliveryOutcome } from "../@channels/channel.ts";
import type { Exchange } from "../@http/exchange.ts";
import type { SyncOutcome } from "../@sync/sync_account.ts";
import { gaugeCatalogue, type GaugeName, isGaugeName } from "./gauge_catalogue.ts";
import { withTasksOfOthers } from "./tasks_of_others.ts";

/** How long the answers of the database are good for: several scrapers, or an eager one, cost it one look in this time. */
const CACHE_MS = 10_000;
/** A database that takes longer is told as down: what the process knows by itself is served all the same. */
const PATIENCE_MS = 5_000;

/** From a quiet sync (tens of milliseconds) to the longest run there is (ten minutes). */
const RUN_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 150, 300, 600];
const REQUEST_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30];

/**
 * What a process tells Prometheus, in OpenMetrics: what it counts itself since it started, and what the database knows, which is
 * the same whichever process is asked (so alerts take the `max` over processes, never the sum).
 *
 * Every label has a fixed, short list of values: platforms, outcomes, task names, routes. No id, name or number of a person
 * or an account is ever one.
 */
export class Metrics {
  readonly #registry = new Registry<OpenMetricsContentType>();
  readonly #gauges: ReadonlyMap<GaugeName, Gauge>;
  readonly #now: () => number;
  #source: { db: Queryable; log: Log } | undefined;
  #readAt = -Infinity;
  #reading: Promise<void> | undefined;

  readonly #runs: Counter;
  readonly #runSeconds: Histogram;
  readonly #rows: Counter;
  readonly #requests: Counter;
  readonly #requestSeconds: Histogram;
  readonly #deliveries: Counter;
  readonly #heartbeats: Counter;
  readonly #buried: Counter;
  readonly #reclaimed: Counter;
  readonly #served: Histogram;
  readonly #databaseUp: Gauge;

  /** @param options.now milliseconds by a clock that never goes back */
  constructor({ now = () => performance.now() }: { now?: () => number } = {}) {
    this.#now = now;
    this.#registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#runs = new Counter({
      name: "tidemark_runs_total",
      help: "Runs that this process ended or suspended. outcome: success, waiting, lost, or the kind of failure.",
      labelNames: ["platform", "outcome"],
      registers,
    });
    this.#runSeconds = new Histogram({
      name: "tidemark_run_duration_seconds",
      help: "How long a worker was at a run, from lease to end or suspension.",
      labelNames: ["platform"],
      buckets: RUN_SECONDS,
      registers,
    });
    this.#rows = new Counter({
      name: "tidemark_rows_total",
      help: "Rows that providers sent. result: new, changed, unchanged, removed.",
      labelNames: ["platform", "result"],
      registers,
    });
    this.#requests = new Counter({
      name: "tidemark_provider_requests_total",
      help: "Requests to providers. status: 2xx to 5xx, 429 by itself, or why no answer came.",
      labelNames: ["platform", "status"],
      registers,
    });
    this.#requestSeconds = new Histogram({
      name: "tidemark_provider_request_duration_seconds",
      help: "How long providers take to answer, failures included.",
      labelNames: ["platform"],
      buckets: REQUEST_SECONDS,
      registers,
    });
    this.#deliveries = new Counter({
      name: "tidemark_notification_deliveries_total",
      help: "Attempts to deliver a notification. outcome: delivered, retry, unreachable, refused, configuration.",
      labelNames: ["channel", "outcome"],
      registers,
    });
    this.#heartbeats = new Counter({
      name: "tidemark_heartbeats_total",
      help: "Heartbeats of this process's pools. outcome: sent, missed.",
      labelNames: ["outcome"],
      registers,
    });
    this.#buried = new Counter({
      name: "tidemark_workers_buried_total",
      help: "Pools that stopped beating and that this process found out about.",
      registers,
    });
    this.#reclaimed = new Counter({
      name: "tidemark_runs_reclaimed_total",
      help: "Runs that this process took back from whoever held them and was gone.",
      registers,
    });
    this.#served = new Histogram({
      name: "tidemark_http_request_duration_seconds",
      help: "How long our own server took to answer. route is the pattern, never the address that was asked for.",
      labelNames: ["method", "route", "status"],
      buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10],
      registers,
    });
    this.#beginAtZero();
    this.#databaseUp = new Gauge({
      name: "tidemark_database_up",
      help: "1 when this process could read the gauges below from Postgres, 0 when not.",
      registers,
    });
    this.#gauges = new Map(
      Object.entries(gaugeCatalogue).map(([name, { help, labels }]) => {
        if (!isGaugeName(name)) throw new Error(`${name} is no gauge`);
        return [name, new Gauge({ name: `tidemark_${name}`, help, labelNames: labels, registers })] as const;
      }),
    );
  }

  /** A series that begins with its first event hides that event from `increase()`, which needs a value before it. */
  #beginAtZero(): void {
    for (const outcome of ["sent", "missed"]) this.#heartbeats.inc({ outcome }, 0);
    for (const channel of CHANNELS) for (const outcome of DELIVERIES) this.#deliveries.inc({ channel, outcome }, 0);
    for (const platform of platformSource.options) {
      for (const outcome of [...Object.values(OUTCOMES), ...failureKind.options])
        this.#runs.inc({ platform, outcome }, 0);
      for (const result of ["new", "changed", "unchanged", "removed"]) this.#rows.inc({ platform, result }, 0);
      for (const status of STATUSES) this.#requests.inc({ platform, status }, 0);
      this.#runSeconds.zero({ platform });
      this.#requestSeconds.zero({ platform });
    }
  }

  /** Where the gauges are read from: a pool whose role may execute app_private.read_gauges. */
  readFrom(db: Queryable, log: Log): void {
    this.#source = { db, log };
  }

  runEnded(platform: PlatformSource, outcome: SyncOutcome, milliseconds: number): void {
    const name = outcome.kind === "failed" ? outcome.failure.kind : OUTCOMES[outcome.kind];
    this.#runs.inc({ platform, outcome: name });
    this.#runSeconds.observe({ platform }, milliseconds / 1000);
    if (!("tally" in outcome)) return;
    const { fresh, changed, unchanged, removed } = outcome.tally;
    if (fresh > 0) this.#rows.inc({ platform, result: "new" }, fresh);
    if (changed > 0) this.#rows.inc({ platform, result: "changed" }, changed);
    if (unchanged > 0) this.#rows.inc({ platform, result: "unchanged" }, unchanged);
    if (removed > 0) this.#rows.inc({ platform, result: "removed" }, removed);
  }

  providerAnswered(platform: PlatformSource, { status, milliseconds }: Exchange): void {
    this.#requests.inc({ platform, status: statusClass(status) });
    this.#requestSeconds.observe({ platform }, milliseconds / 1000);
  }

  notificationSent(channel: PushChannel, outcome: DeliveryOutcome["kind"]): void {
    this.#deliveries.inc({ channel, outcome });
  }

  heartbeat(outcome: "sent" | "missed"): void {
    this.#heartbeats.inc({ outcome });
  }

  tookOver({
    workers_buried: buried,
    runs_reclaimed: reclaimed,
  }: {
    workers_buried: number;
    runs_reclaimed: number;
  }): void {
    this.#buried.inc(buried);
    this.#reclaimed.inc(reclaimed);
  }

  served(request: { method: string; route: string; status: number }, milliseconds: number): void {
    const { method, route, status } = request;
    // Node lets three dozen methods through, and anybody may send them.
    const known = METHODS.has(method) ? method : "other";
    this.#served.observe({ method: known, route, status: statusClass(status) }, milliseconds / 1000);
  }

  /** The whole exposition, gauges at most ten seconds old. Never throws because of the database: database_up tells. */
  async render(): Promise<{ contentType: string; text: string }> {
    await this.#refresh();
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  async #refresh(): Promise<void> {
    if (this.#source === undefined || this.#now() - this.#readAt < CACHE_MS) return;
    const { db, log } = this.#source;
    this.#reading ??= this.#read(db, log).finally(() => (this.#reading = undefined));
    const { promise: tooLong, resolve } = Promise.withResolvers<"too long">();
    const timer = setTimeout(() => resolve("too long"), PATIENCE_MS);
    const first = await Promise.race([this.#reading, tooLong]);
    clearTimeout(timer);
    if (first === "too long") this.#isDown();
  }

  async #read(db: Queryable, log: Log): Promise<void> {
    try {
      this.#show(await readGauges(db));
      this.#databaseUp.set(1);
      this.#readAt = this.#now();
    } catch (error) {
      this.#isDown();
      log.error({ err: error }, "the gauges of /metrics could not be read");
    }
  }

  /** An old value would look like a present one. */
  #isDown(): void {
    for (const gauge of this.#gauges.values()) gauge.reset();
    this.#databaseUp.set(0);
  }

  #show(rows: GaugeRow[]): void {
    for (const gauge of this.#gauges.values()) gauge.reset();
    for (const { gauge, labels, value } of withTasksOfOthers(rows)) {
      // A newer database may know more gauges than this process.
      if (isGaugeName(gauge)) this.#gauges.get(gauge)?.set(labels, value);
    }
  }
}

const CHANNELS = ["onesignal", "web_push"] as const;
type PushChannel = (typeof CHANNELS)[number];

const DELIVERIES = [
  "delivered",
  "retry",
  "unreachable",
  "refused",
  "configuration",
] as const satisfies DeliveryOutcome["kind"][];

const STATUSES = ["2xx", "3xx", "4xx", "429", "5xx", "timeout", "unreachable", "broken", "aborted", "too_large"];

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

const OUTCOMES = { success: "success", suspended: "waiting", lost: "lost" } as const;

/** `2xx` to `5xx`; 429 is told apart, because it means something else; why no answer came stays as it is. */
function statusClass(status: Exchange["status"]): string {
  if (typeof status === "string") return status;
  return status === 429 ? "429" : `${Math.floor(status / 100)}xx`;
}
