/**
 * `npm run soak`: weeks of business time in minutes, against simulators that fail, with workers that are killed.
 *
 *   npm run soak                                              seed 1, 100 accounts, 2,000 faults, 3 workers, a kill every 5 s
 *   npm run soak -- --seed 7 --accounts 100 --faults 10000 --workers 3 --kill-every 5
 *   npm run soak -- --json                                    the last line is one JSON object
 *
 * It brings its own Postgres and needs nothing else. Exit code 1: an invariant was broken; the first one is told, with
 * what led to it.
 */

import { parseArgs } from "node:util";
import { runSoak, type SoakOptions } from "./soak/run_soak.ts";
import { exitWithSentence, UsageError } from "./usage.ts";

const DEFAULTS = {
  seed: 1,
  accounts: 100,
  faults: 2_000,
  workers: 3,
  "kill-every": 5,
  "pause-every": 40,
  crashes: 3,
  "fault-rate": 0.3,
  limit: 200,
};

async function main(): Promise<void> {
  const { json, quiet, ...options } = readArguments();
  const say = (line: string): void => {
    if (!quiet) console.log(line);
  };
  const { violations, problems, ...numbers } = await runSoak({ ...options, say });
  if (Object.keys(problems).length > 0) say(`What the workers complained of: ${JSON.stringify(problems, null, 2)}`);
  const [first] = violations;
  if (first === undefined) {
    console.log(`Seed ${options.seed}: nothing missing, nothing double, nothing different.`);
  } else {
    console.log(
      `Seed ${options.seed}: ${violations.length} violations. The first is ${first.invariant}: ${first.detail}`,
    );
    for (const line of first.ledTo ?? []) console.log(`  ${line}`);
    for (const [invariant, [example, ...more]] of Object.entries(
      Object.groupBy(violations, (each) => each.invariant),
    )) {
      if (example !== first) console.log(`Also ${invariant}, ${more.length + 1} times: ${example?.detail}`);
    }
    process.exitCode = 1;
  }
  console.log(
    json
      ? JSON.stringify(numbers)
      : Object.entries(numbers)
          .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
          .join("\n"),
  );
}

function readArguments(): Omit<SoakOptions, "say"> & { json: boolean; quiet: boolean } {
  const number = { type: "string" } as const;
  const { values } = parseArgs({
    options: {
      seed: number,
      accounts: number,
      faults: number,
      workers: number,
      "kill-every": number,
      "pause-every": number,
      crashes: number,
      "fault-rate": number,
      limit: number,
      json: { type: "boolean", default: false },
      quiet: { type: "boolean", default: false },
    },
  });
  const read = (name: keyof typeof DEFAULTS, least: number, most: number): number => {
    const value = values[name] === undefined ? DEFAULTS[name] : Number(values[name]);
    if (!(value >= least && value <= most)) throw new UsageError(`--${name} takes a number from ${least} to ${most}.`);
    return value;
  };
  return {
    seed: read("seed", 0, 2 ** 31),
    accounts: read("accounts", 1, 10_000),
    faults: read("faults", 1, 10_000_000),
    workers: read("workers", 1, 20),
    killEvery: read("kill-every", 0, 3_600),
    pauseEvery: read("pause-every", 0, 3_600),
    crashes: read("crashes", 0, 100),
    faultRate: read("fault-rate", 0, 0.9),
    limit: read("limit", 3, 100_000),
    json: values.json,
    quiet: values.quiet,
  };
}

main().catch(exitWithSentence);
