import { parseArgs, type ParseArgsConfig } from "node:util";
import { closest, distance } from "fastest-levenshtein";
import { UsageError } from "./usage.ts";

/** Node's parseArgs, with its complaints as one sentence each. Throws UsageError, in words that repeat no option's value. */
export function parseArguments<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS"))) throw error;
    throw new UsageError(sentenceOf(error.message, Object.keys(config.options ?? {})), { cause: error });
  }
}

/** The arguments of a command; --help is answered with `help`, and ends the process. Throws UsageError. */
export function readCommandLine<const T extends ParseArgsConfig>(
  help: string,
  config: T,
): ReturnType<typeof parseArgs<T>> {
  if (process.argv.slice(2).some((argument) => argument === "--help" || argument === "-h")) {
    console.log(help);
    process.exit(0);
  }
  return parseArguments(config);
}

/** For a command that is told everything by its environment: an argument would be ignored, so it is refused. */
export function takesNoArguments(help: string): void {
  readCommandLine(help, {});
}

/** Node goes on with advice for those who meant something else, and its quotes do not match. */
function sentenceOf(message: string, options: string[]): string {
  const [first = message] = message.split(/\n|(?<=')\. /);
  const sentence = `${first.replace(/\.$/, "")}.`;
  const unknown = /^Unknown option '--([^']*)'/.exec(first)?.[1];
  const nearest = unknown === undefined || options.length === 0 ? undefined : closest(unknown, options);
  if (unknown !== undefined && nearest !== undefined && distance(unknown, nearest) <= 3) {
    return `${sentence} Did you mean --${nearest}?`;
  }
  return options.length === 0 ? `${sentence} This command takes none: the environment tells it everything.` : sentence;
}
