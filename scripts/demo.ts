/**
 * `npm run demo -- WHAT [ACCOUNT]`: does something to an account of the running `npm start` at its simulated provider, and asks
 * for a sync. ACCOUNT is its id or name. Without WHAT: what can be tried.
 */

import { loadEnvironment } from "../db/environment.ts";
import { parseArguments } from "./arguments.ts";
import { platformLabels } from "./demo/people.ts";
import { type RunningAccount, RunningDemo } from "./demo/running_demo.ts";
import { thingsToTry } from "./demo/things_to_try.ts";
import { exitWithSentence, UsageError } from "./usage.ts";

async function main(): Promise<void> {
  const { values, positionals } = parseArguments({
    allowPositionals: true,
    options: { help: { type: "boolean", short: "h", default: false } },
  });
  const [what, named, ...more] = positionals;
  if (what === undefined || values.help) {
    console.log(await overview());
    return;
  }
  const thing = Object.hasOwn(thingsToTry, what) ? thingsToTry[what] : undefined;
  if (thing === undefined || more.length > 0) {
    const known = Object.keys(thingsToTry).join(", ");
    throw new UsageError(
      thing === undefined
        ? `There is no "${what}" to try; there is ${known}.`
        : `npm run demo -- ${what} takes one account, by its id or its name in quotes.`,
    );
  }
  const demo = await RunningDemo.open(loadEnvironment());
  try {
    const accounts = await demo.accounts();
    const account = chosen(accounts, thing.candidates(accounts), named);
    console.log(describe(account));
    for (const line of await thing.run(demo, account)) console.log(`  ${line}`);
  } finally {
    await demo.close();
  }
}

/** Throws UsageError for an account that is not there, or that this cannot be done to. */
function chosen(accounts: RunningAccount[], candidates: RunningAccount[], named: string | undefined): RunningAccount {
  const [first] = candidates;
  if (named === undefined) {
    if (first !== undefined) return first;
    throw new UsageError("There is no account that this could be done to.");
  }
  const wanted = named.toLowerCase();
  const isNamed = ({ id, name }: RunningAccount) => id === wanted || name.toLowerCase() === wanted;
  const found = candidates.find(isNamed);
  if (found !== undefined) return found;
  throw new UsageError(
    accounts.some(isNamed)
      ? `That cannot be done to ${named}; it can to ${listOf(candidates)}.`
      : `There is no account "${named}"; there is ${listOf(accounts)}.`,
  );
}

const listOf = (accounts: RunningAccount[]): string =>
  [...new Set(accounts.map(({ id, name }) => `${name} (${id})`))].join(", ") || "none";

async function overview(): Promise<string> {
  const width = Math.max(...Object.keys(thingsToTry).map((name) => name.length));
  const lines = [
    "npm run demo -- WHAT [ACCOUNT]     ACCOUNT is an id or a name; left out, one that fits",
    "",
    ...Object.entries(thingsToTry).map(([name, { what }]) => `  ${name.padEnd(width)}  ${what}`),
    "",
  ];
  try {
    const demo = await RunningDemo.open(loadEnvironment());
    try {
      lines.push(
        "Accounts of the npm start that runs here:",
        "",
        ...(await demo.accounts()).map((one) => `  ${describe(one)}`),
      );
    } finally {
      await demo.close();
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    lines.push(error.message);
  }
  return lines.join("\n");
}

const describe = ({ id, name, institution, platform, status }: RunningAccount): string =>
  `${id}  ${name} (${whereKept(institution, platformLabels[platform])})  ${status}`;

/** A wallet's institution is its platform: once is enough. */
const whereKept = (institution: string, platform: string): string =>
  platform.startsWith(institution) ? platform : `${institution}, ${platform}`;

main().catch(exitWithSentence);
