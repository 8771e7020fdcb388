/**
 * `npm run bench`: how fast Tidemark is, as ratios within one run on one machine. It brings its own Postgres, provider and
 * workers, and needs nothing else.
 *
 *   npm run bench                        a short form of every bench
 *   npm run bench -- quiet               one of them, whole; --short for its short form
 *   npm run bench -- quiet --profile     and which statements took Postgres's time
 *   npm run bench -- dispatch --accounts 10000000   among so many (20 GB, and half an hour to fill)
 *   npm run bench -- quiet --json        the last line is one object: {"name", "metrics"}
 *
 * scripts/bench/RESULTS.md has the results of a quiet machine, and what is behind them.
 */

import { loadavg } from "node:os";
import type { Bench } from "./bench/bench.ts";
import { benches } from "./bench/benches.ts";
import { rounded } from "./bench/numbers.ts";
import { verdict } from "./bench/targets.ts";
import { readCommandLine } from "./arguments.ts";
import { exitWithSentence, UsageError } from "./usage.ts";

const HELP = `npm run bench [-- NAME …]: how fast Tidemark is. There are ${Object.keys(benches).join(", ")}.
  --short         the short form of a named bench; without a name, all of them run so
  --profile       quiet and ingest also tell which statements took Postgres's time
  --accounts N    the most accounts that dispatch fills its database with
  --json          the last line is one object: {"name", "metrics"}`;

async function main(): Promise<void> {
  const { chosen, json, ...options } = readArguments();
  // Each process that a bench starts ends with this one.
  process.setMaxListeners(50);
  for (const [name, bench] of chosen) {
    const started = performance.now();
    console.log(`${name}: ${bench.question}`);
    const metrics = await bench.run({ ...options, say: (line) => console.log(`  ${line}`) });
    for (const [metric, value] of Object.entries(metrics)) {
      console.log(`  ${metric.padEnd(28)} ${String(rounded(value)).padStart(8)}  ${verdict(name, metric, value)}`);
    }
    const seconds = Math.round((performance.now() - started) / 1_000);
    console.log(`  (${seconds} s; load average ${loadavg()[0]?.toFixed(1)})`);
    if (json) console.log(JSON.stringify({ name, metrics }));
  }
}

function readArguments(): {
  chosen: [string, Bench][];
  json: boolean;
  short: boolean;
  profile: boolean;
  accounts: number | undefined;
} {
  const { values, positionals } = readCommandLine(HELP, {
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      short: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      accounts: { type: "string" },
    },
  });
  const known = Object.keys(benches).join(", ");
  const chosen = positionals.map((name): [string, Bench] => {
    const bench = benches[name];
    if (bench === undefined) throw new UsageError(`There is no bench "${name}". There are ${known}.`);
    return [name, bench];
  });
  const { json, short, profile } = values;
  const accounts = values.accounts === undefined ? undefined : Number(values.accounts);
  if (accounts !== undefined && !(Number.isInteger(accounts) && accounts >= 10_000)) {
    throw new UsageError("--accounts takes a whole number, 10000 or more.");
  }
  return chosen.length === 0
    ? { chosen: Object.entries(benches), json, profile, accounts, short: true }
    : { chosen, json, profile, accounts, short };
}

main().catch(exitWithSentence);
