import { readSamples } from "../../tasks/@metrics/testing/samples.ts";

const MINUTE_MS = 60_000;

/** Gauges that tell a moment of machine time. */
const MOMENT = /_timestamp_seconds$/;

/** What the processes told themselves; everything else is a gauge that the database answers. */
const COUNTED = /_(?:total|bucket|sum|count)$/;

/** The alerts of one name that must be firing at a minute, by their labels; none: it must not fire. */
export type Expected = { minute: number; alert: string; firing: Record<string, string>[] };

/**
 * What /metrics told in the course of an incident, as Prometheus would have stored it: a sample a minute of the scenario. A
 * scenario's minutes pass when it says so, not by machine time.
 */
export class Scrapes {
  #minutes = 0;
  readonly #series = new Map<string, string[]>();

  /** The minute of the last sample. */
  get minute(): number {
    return this.#minutes - 1;
  }

  /**
   * One scrape of each process by its name; everything stays as it is for so many `minutes`.
   *
   * @param expositions what they answered. Of processes other than `server` only what they count themselves is taken: their
   *   gauges may be ten seconds old, which here would be minutes
   */
  take(expositions: Record<string, string>, minutes = 1): void {
    const now = Date.now();
    const told = new Map<string, string>();
    for (const [instance, text] of Object.entries(expositions)) {
      for (const { name, labels, value } of readSamples(text)) {
        if (!name.startsWith("tidemark_") || (instance !== "server" && !COUNTED.test(name))) continue;
        // promtool's time begins at zero: a moment is told as its distance from now.
        const at = MOMENT.test(name) ? (this.#minutes * MINUTE_MS + value * 1000 - now) / 1000 : value;
        told.set(seriesName(name, { ...labels, instance }), String(at));
      }
    }
    for (const series of told.keys()) {
      if (!this.#series.has(series))
        this.#series.set(
          series,
          Array.from({ length: this.#minutes }, () => "_"),
        );
    }
    for (const [series, values] of this.#series) {
      // Prometheus marks a series that a scrape lacks.
      for (let n = 0; n < minutes; n += 1) values.push(told.get(series) ?? "stale");
    }
    this.#minutes += minutes;
  }

  /** A file for `promtool test rules`: JSON, which is YAML. */
  ruleTest(alertsFile: string, expected: readonly Expected[]): string {
    return JSON.stringify({
      rule_files: [alertsFile],
      evaluation_interval: "1m",
      tests: [
        {
          interval: "1m",
          input_series: [...this.#series].map(([series, values]) => ({ series, values: values.join(" ") })),
          promql_expr_test: expected.map(({ minute, alert, firing }) => ({
            expr: `ALERTS{alertname="${alert}", alertstate="firing"}`,
            eval_time: `${minute}m`,
            exp_samples: firing.map((labels) => ({
              labels: seriesName("ALERTS", { alertname: alert, alertstate: "firing", ...labels }),
              value: 1,
            })),
          })),
        },
      ],
    });
  }
}

const seriesName = (name: string, labels: Record<string, string>): string =>
  `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    .join(",")}}`;
