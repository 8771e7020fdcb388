import { format } from "node:util";
import { Logger as WorkerLogger } from "graphile-worker";
import type { LogFunctionFactory } from "graphile-worker";
import { pino } from "pino";
import type { Bindings, ChildLoggerOptions, DestinationStream, LevelWithSilent, Logger } from "pino";
import { prettyDestination } from "./log_for_people.ts";
import { describeError, maskFields, maskText } from "./log_masking.ts";

/**
 * The log of a process: one JSON object a line, or one readable line when standard output is a terminal.
 *
 * Whatever is logged passes through log_masking.ts, messages and errors included, so that no caller has to remember.
 */
export type Log = Logger;

export type LogOptions = {
  /** Environment.LOG_LEVEL. */
  level: LevelWithSilent;
  /** Which of our processes speaks: `server`, `worker`, … */
  process?: string;
  /** Where lines go. Standard output unless told, for people when that is a terminal. */
  destination?: DestinationStream;
};

/** Makes the log of a process. */
export const createLog = ({ level, process: name, destination = standardOutput() }: LogOptions): Log => {
  const log = pino(
    {
      level,
      base: { ...(name === undefined ? {} : { process: name }), pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: maskLine },
      serializers,
      hooks: {
        logMethod(args, method) {
          const [first, second, ...rest]: unknown[] = args;
          if (typeof first === "string") {
            method.call(this, maskText(args.length === 1 ? first : format(first, second, ...rest)));
            return;
          }
          const fields: object = first instanceof Error ? { err: first } : isObject(first) ? first : {};
          const message = typeof second === "string" ? format(second, ...rest) : messageOf(fields);
          method.call(this, fields, message === undefined ? undefined : maskText(message));
        },
      },
    },
    destination,
  );
  // Children inherit from their parent, so this reaches grandchildren too. Pino's own formatter of bindings does not:
  // it is put back to doing nothing for every child.
  // oxlint-disable-next-line typescript/unbound-method -- it is called on whichever log makes the child
  const { child } = log;
  Object.defineProperty(log, "child", {
    value: function (this: Log, bindings: Bindings, options?: ChildLoggerOptions): unknown {
      return Reflect.apply(child, this, [maskLine(bindings), options]);
    },
  });
  return log;
};

/** Fields that frameworks log whole, and what is kept of them. A query string may hold a token or a phone number. */
const serializers = {
  err: (value: unknown) => (value instanceof Error ? describeError(value) : value),
  req: (value: unknown) => {
    if (!isObject(value) || !("method" in value) || !("url" in value)) return undefined;
    return { method: value.method, path: maskText(String(value.url).replace(/[?#].*$/s, "")) };
  },
  res: (value: unknown) => (isObject(value) && "statusCode" in value ? { status: value.statusCode } : undefined),
};

/** Masks the fields of one line, leaving alone what `serializers` will take apart. */
const maskLine = (fields: object): Record<string, unknown> => {
  const { req, res, ...others }: { req?: unknown; res?: unknown } = fields;
  return { ...maskFields(others), ...(req === undefined ? {} : { req }), ...(res === undefined ? {} : { res }) };
};

const standardOutput = (): DestinationStream =>
  process.stdout.isTTY ? prettyDestination(process.stdout) : pino.destination({ dest: 1, sync: true });

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

const messageOf = (fields: object): string | undefined =>
  "err" in fields && fields.err instanceof Error ? fields.err.message : undefined;

/**
 * What a line may be about. One run id ties together all that happens in one run: each of its lines names the job that it ran
 * in, whose id graphile-worker's own lines have, and the dispatcher's tick that it came from, whose line has the same one.
 */
export type LogSubject = {
  runId?: string;
  accountId?: string;
  platform?: string;
  jobId?: string | undefined;
  dispatchId?: string | undefined;
};

/** The same log, each line of which says what it is about (`run_id`, `account_id`, `platform`, `job_id`, `dispatch_id`). */
export const logAbout = (log: Log, { runId, accountId, platform, jobId, dispatchId }: LogSubject): Log =>
  log.child({
    ...(runId === undefined ? {} : { run_id: runId }),
    ...(accountId === undefined ? {} : { account_id: accountId }),
    ...(platform === undefined ? {} : { platform }),
    ...(jobId === undefined ? {} : { job_id: jobId }),
    ...(dispatchId === undefined ? {} : { dispatch_id: dispatchId }),
  });

const WORKER_LEVELS = { error: "error", warning: "warn", info: "info", debug: "debug" } as const;

/** The worker's name for what was thrown, by message. */
const ERROR_NAMES = ["error", "e", "reason", "fatalError"];

/**
 * graphile-worker's log as ours. Of a job, its id, task and attempts are logged, never its payload. That a job
 * succeeded is `debug`: a sync tells its own end, and there are thousands of them.
 */
export const workerLogger = (log: Log): WorkerLogger => {
  const factory: LogFunctionFactory = ({ label, workerId, taskIdentifier, jobId }) => {
    // A scope is made for every job, and most jobs log nothing.
    let child: Log | undefined;
    return (level, message, meta) => {
      child ??= log.child({ worker: label, worker_id: workerId, task: taskIdentifier, job_id: jobId });
      const thrown = ERROR_NAMES.map((name) => meta[name]).find((value) => value !== undefined);
      const fields = {
        ...jobFields(meta["job"]),
        ...(typeof meta["duration"] === "number" ? { duration_ms: Math.round(meta["duration"]) } : {}),
        ...(thrown === undefined ? {} : { err: thrown instanceof Error ? thrown : describeError(thrown) }),
      };
      // The worker's own sentence goes on with the error's stack, whose first lines may quote anything.
      const [sentence = message] = message.split("\n");
      child[meta["success"] === true ? "debug" : WORKER_LEVELS[level]](fields, sentence);
    };
  };
  return new WorkerLogger(factory);
};

const jobFields = (job: unknown): Record<string, unknown> => {
  if (!isObject(job)) return {};
  const fields: Record<string, unknown> = {};
  if ("id" in job) fields["job_id"] = job.id;
  if ("task_identifier" in job) fields["task"] = job.task_identifier;
  if ("attempts" in job) fields["attempt"] = job.attempts;
  if ("max_attempts" in job) fields["max_attempts"] = job.max_attempts;
  return fields;
};
