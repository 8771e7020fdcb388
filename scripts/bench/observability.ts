/**
 * What metrics and logs cost of the processor time of a quiet sync: ten interleaved pairs with and without them, in one
 * worker process that is switched over in between. With them, a line for each run and for each call is written to a file, and
 * /metrics is scraped every fifteen seconds, as Prometheus does.
 *
 *   node scripts/bootstrap.mjs scripts/bench/observability.ts [accounts]
 *
 * It brings its own Postgres, provider and worker. Ends with 1 when the median is 5 % or more. Linux only: it reads /proc.
 */

import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { readSamples } from "../../tasks/@metrics/testing/samples.ts";
import { exitWithSentence, UsageError } from "../usage.ts";
import { linkAccounts, makeAllDue, syncAllDue, today } from "./bench_accounts.ts";
import { type BenchStage, onStage } from "./bench_stage.ts";
import { cpuMilliseconds } from "./process_cpu.ts";

const PAIRS = 10;
/** Until the code is compiled. */
const WARM_UP = 4;
const MOST = 0.05;
const SCRAPE_EVERY_MS = 15_000;

/** Milliseconds of processor time a sync. */
type Cost = { worker: number; all: number };

async function main(): Promise<void> {
  const accounts = Number(process.argv[2] ?? 2_000);
  if (!Number.isInteger(accounts) || accounts < 100)
    throw new UsageError("It takes a whole number of accounts, from 100.");
  const shares = await onStage((stage) => measure(stage, accounts));
  const [ofWorker, ofAll] = [median(shares.map(({ worker }) => worker)), median(shares.map(({ all }) => all))];
  console.log(
    `Metrics and logs cost ${percent(ofAll)} of the processor time of a quiet sync, worker and Postgres together ` +
      `(${MOST * 100} % is the most), and ${percent(ofWorker)} of the worker's alone: medians of ${PAIRS} interleaved pairs`,
  );
  if (!(ofAll < MOST)) process.exitCode = 1;
}

/** Of an even number of values: between the two in the middle. */
const median = (values: number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[PAIRS / 2 - 1] ?? NaN) + (sorted[PAIRS / 2] ?? NaN)) / 2;
};

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

async function measure(stage: BenchStage, accounts: number): Promise<Cost[]> {
  const { database, provider, environment } = stage;
  const port = await freePort();
  environment["TIDEMARK_METRICS_PORT"] = String(port);
  const url = `http://127.0.0.1:${port}/metrics`;
  await linkAccounts(database, accounts, 3);
  await provider.answerWith({ pageSize: 100, rowsPerWindow: 5, onDay: await today(database.admin) });
  const preload = join(import.meta.dirname, "observability_switch.ts");
  const workers = await stage.startWorkers({ many: 1, concurrency: 16, node: ["--import", preload] });
  const [pid] = workers.processIds;
  if (pid === undefined) throw new Error("no worker was started");
  await syncAllDue(database);

  let isOn = true;
  const half = async (wanted: boolean): Promise<Cost> => {
    if (isOn !== wanted) process.kill(pid, "SIGUSR2");
    isOn = wanted;
    // Not the next day: the same windows, or weeks would be compared with days. Mono is asked for a refresh every five minutes at most.
    await database.admin.query("select app_private.set_clock(app_private.clock() + interval '10 minutes')");
    await makeAllDue(database);
    await database.admin.query("vacuum");
    const counted = await runsCounted(url);
    const before = { worker: await cpuOf([pid]), postgres: await cpuOf([database.processId]) };
    const scraping = wanted ? setInterval(() => void runsCounted(url), SCRAPE_EVERY_MS) : undefined;
    // All of them, whoever hands them out: the worker has a dispatcher of its own.
    await syncAllDue(database);
    clearInterval(scraping);
    const worker = (await cpuOf([pid])) - before.worker;
    const postgres = (await cpuOf([database.processId])) - before.postgres;
    const told = (await runsCounted(url)) - counted;
    if (wanted ? told < accounts : told > 0) throw new Error(`${told} runs were counted: the switch failed`);
    return { worker: worker / accounts, all: (worker + postgres) / accounts };
  };
  for (let n = 0; n < WARM_UP; n += 1) await half(n % 2 === 0);

  const shares: Cost[] = [];
  for (let pair = 1; pair <= PAIRS; pair += 1) {
    // Now one first, now the other: what drifts, drifts for both.
    const first = await half(pair % 2 === 0);
    const second = await half(pair % 2 !== 0);
    const [on, off] = pair % 2 === 0 ? [first, second] : [second, first];
    shares.push({ worker: on.worker / off.worker - 1, all: on.all / off.all - 1 });
    console.log(
      `pair ${String(pair).padStart(2)}: ${on.worker.toFixed(3)} ms a sync with, ${off.worker.toFixed(3)} without ` +
        `(worker); ${on.all.toFixed(3)} and ${off.all.toFixed(3)} (with Postgres)`,
    );
  }
  return shares;
}

async function cpuOf(processIds: number[]): Promise<number> {
  const spent = await cpuMilliseconds(processIds);
  if (spent === null) throw new UsageError("This machine has no /proc to read processor time from.");
  return spent;
}

/** A scrape, and how many runs it tells of. */
async function runsCounted(url: string): Promise<number> {
  const text = await (await fetch(url)).text();
  return readSamples(text)
    .filter(({ name }) => name === "tidemark_runs_total")
    .reduce((sum, { value }) => sum + value, 0);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === "string") throw new TypeError("A TCP server has a port");
  return address.port;
}

main().catch(exitWithSentence);
