/** `npm run soak`: weeks of business time in minutes, against simulators that fail, with workers that are killed. */

import { readCommandLine } from "./arguments.ts";
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
  limit: 60,
};

const HELP = `npm run soak -- [--seed N] [--accounts N] [--faults N] [--workers N] [--kill-every S] [--json]

Real worker processes sync accounts of simulated providers that fail by a seed, over weeks of virtual time, while
workers are killed and put to sleep and Postgres crashes. At the end every row is compared with the simulators' truth.
It brings its own Postgres and needs nothing else; 10,000 faults take about ten minutes. Requests meet the same faults
when a seed is used again; how fast processes run differs. What is repeated to the last byte is the stepped form:
npm test -- scripts/soak/stepped.test.ts

  --seed N         which transactions and faults, by the ordinals of requests (${DEFAULTS.seed})
  --accounts N     accounts of both platforms (${DEFAULTS.accounts})
  --faults N       it goes on until so many were met (${DEFAULTS.faults})
  --workers N      worker processes (${DEFAULTS.workers})
  --kill-every S   seconds from one kill -9 to the next, 0 for none (${DEFAULTS["kill-every"]})
  --pause-every S  seconds from one worker falling asleep to the next, 0 for none (${DEFAULTS["pause-every"]})
  --crashes N      crashes of Postgres (${DEFAULTS.crashes})
  --fault-rate X   share of requests that meet a fault, 0 to 0.9 (${DEFAULTS["fault-rate"]})
  --limit N        requests a second that the providers allow (${DEFAULTS.limit})
  --quiet          only the result
  --json           the last line is one JSON object

Exit code 1: an invariant was broken; the first one is told, with what led to it.`;

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
  const { values } = readCommandLine(HELP, {
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
    const given = values[name];
    // Number("") is 0.
    const value = given === undefined ? DEFAULTS[name] : given.trim() === "" ? Number.NaN : Number(given);
    const isMeant = value >= least && value <= most && (name === "fault-rate" || Number.isInteger(value));
    const kind = name === "fault-rate" ? "number" : "whole number";
    if (!isMeant) throw new UsageError(`--${name} takes a ${kind} from ${least} to ${most}.`);
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
