import { stripVTControlCharacters } from "node:util";
import test from "ava";
import fc from "fast-check";
import { z } from "zod";
import { createLog, logAbout, workerLogger } from "./log.ts";
import type { LogOptions } from "./log.ts";
import { maskByRules, maskText } from "./log_masking.ts";
import { formatForPeople } from "./log_for_people.ts";

const line = z.looseObject({ level: z.string(), time: z.iso.datetime(), msg: z.string().optional() });

const makeLog = (options: Partial<LogOptions> = {}) => {
  const written: string[] = [];
  const log = createLog({ level: "trace", destination: { write: (text) => written.push(text) }, ...options });
  return { log, text: () => written.join(""), lines: () => written.map((text) => line.parse(JSON.parse(text))) };
};

const runId = "018f2a3c-0000-7000-8000-000000000001";
const accountId = "0b51d9a2-5a26-4c8e-9f6e-1234567890ab";

test("a line is JSON with level, time, process and message", (t) => {
  const { log, lines } = makeLog({ process: "worker" });
  log.info({ pages: 3 }, "window read");
  const [{ time: _, ...rest } = { time: "" }] = lines();
  t.deepEqual(rest, { level: "info", process: "worker", pid: process.pid, pages: 3, msg: "window read" });
});

test("a pool and a worker keep their ids, whatever digits are in them; what only looks like one is masked", (t) => {
  const { log, lines } = makeLog();
  const [pool, worker] = ["pool-12345678901234fae1", "worker-0123456789abcdef01"];
  log.info({ pool, text: `${worker} of ${pool}` }, `released by ${worker}`);
  t.like(lines()[0], { pool, text: `${worker} of ${pool}`, msg: `released by ${worker}` });
  log.info("pool-12345678901234 and pool-123456789012345678901234");
  t.is(lines()[1]?.msg, "pool-*** and pool-***");
});

test("lines below the level are not written", (t) => {
  const { log, lines } = makeLog({ level: "warn" });
  log.info("quiet");
  log.warn("loud");
  t.deepEqual(
    lines().map(({ msg }) => msg),
    ["loud"],
  );
});

test("every line about a run carries its ids, whole", (t) => {
  const { log, lines } = makeLog();
  logAbout(log, { runId, accountId, platform: "mono" }).info(`run ${runId} began`);
  t.like(lines()[0], { run_id: runId, account_id: accountId, platform: "mono", msg: `run ${runId} began` });
  logAbout(log, { platform: "mono" }).info("tick");
  t.false("run_id" in (lines()[1] ?? {}));
});

test("of an error, only name, code, message and places are written, and so of its causes", (t) => {
  const cause = Object.assign(new TypeError("fetch failed"), { request: { headers: "canary-header" }, code: "ECONN" });
  const error = Object.assign(new Error("duplicate key", { cause }), {
    code: "23505",
    detail: "Key (account)=(canary-detail) already exists.",
    payload: { canary: "canary-payload" },
  });
  const { log, lines, text } = makeLog();
  log.error(error);
  log.error({ err: error }, "while saving");
  log.error({ failure: error }, "under another name");
  t.false(text().includes("canary-"));
  const [first, second, third] = lines();
  t.is(first?.msg, "duplicate key");
  t.is(second?.msg, "while saving");
  for (const logged of [first?.["err"], second?.["err"], third?.["failure"]]) {
    t.like(logged, { name: "Error", code: "23505", message: "duplicate key" });
    t.like(logged, { cause: { name: "TypeError", code: "ECONN", message: "fetch failed" } });
    const { stack, ...rest } = z.looseObject({ stack: z.string() }).parse(logged);
    t.true(stack.split("\n").every((frame) => /^\s+at /.test(frame)));
    t.deepEqual(Object.keys(rest).toSorted(), ["cause", "code", "message", "name"]);
  }
});

const secrets: [string, string][] = [
  ["a Mono key", "live_sk_canary"],
  ["a bearer token", "Bearer canary.abc"],
  ["basic credentials", "authorization: Basic Y2FuYXJ5Og=="],
  ["a JWT", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9eyJzdWIiOiIx"],
  ["a subscription key", "0123456789abcdef0123456789abcdef"],
  ["a database password", "postgres://tidemark:canary-pw@db/app"],
  ["an account number", "account 0123456789"],
  ["a phone number", "+256 772 123 456"],
  ["an e-mail address", "ada@example.com"],
];
const telling = /live_sk|canary|eyJ|0123456789|Y2Fu|772 123|ada@/;

for (const [name, secret] of secrets) {
  test(`${name} is masked wherever it stands`, (t) => {
    const { log, lines, text } = makeLog();
    log.info(`met ${secret} here`);
    log.info("met %s here", secret);
    log.info({ field: secret, deep: { list: [secret] } }, "fields");
    log.child({ bound: `with ${secret}` }).info("child");
    log.child({ a: 1 }).child({ bound: secret }, { serializers: {} }).info("grandchild");
    log.error(new Error(`cannot use ${secret}`, { cause: new Error(secret) }));
    t.is(lines().length, 6);
    t.is(lines()[4]?.["a"], 1);
    t.notRegex(text(), telling);
    // The control: the words around it are there.
    t.regex(text(), /"met [^"]+ here"/);
  });
}

test("fields with a telling name are masked whatever they hold", (t) => {
  const { log, lines } = makeLog();
  log.info({ apiKey: "x", access_token: "x", msisdn: "x", narration: "x", idempotency_key: "kept", tokens: 3 }, "m");
  t.like(lines()[0], { apiKey: "***", access_token: "***", msisdn: "***", narration: "***" });
  t.like(lines()[0], { idempotency_key: "kept", tokens: 3 });
});

test("of a request, the method and the path without its query; of a reply, the status", (t) => {
  const { log, lines } = makeLog();
  const headers = { authorization: "Bearer canary" };
  log.info({ req: { method: "GET", url: `/accounts/${accountId}?token=canary`, headers } }, "incoming");
  log.child({ req: { method: "PUT", url: "/", headers } }).info({ res: { statusCode: 200, headers } }, "done");
  t.deepEqual(lines()[0]?.["req"], { method: "GET", path: `/accounts/${accountId}` });
  t.deepEqual(lines()[1]?.["req"], { method: "PUT", path: "/" });
  t.deepEqual(lines()[1]?.["res"], { status: 200 });
});

test("what an operator searches for is kept", (t) => {
  const kept = `${accountId} 2026-03-29T01:30:00.000Z 2026-03-29 NTFND 127.0.0.1:5432 mono_sync`;
  const { log, lines } = makeLog();
  log.info(kept);
  t.is(lines()[0]?.msg, kept);
});

test("odd values are written in a way JSON can carry", (t) => {
  const { log, lines } = makeLog();
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  log.info({ kobo: 12_345n, at: new Date(0), bytes: Buffer.from("abc"), nothing: null, circle }, "odd");
  t.like(lines()[0], { kobo: "12345", at: "1970-01-01T00:00:00.000Z", bytes: "[3 bytes]", nothing: null });
});

test("a long message is cut", (t) => {
  const { log, lines } = makeLog();
  log.info("long ".repeat(10_000));
  t.is(lines()[0]?.msg?.length, 500);
});

test("the worker speaks through our log, without payloads", (t) => {
  const { log, lines, text } = makeLog();
  const job = { id: "7", task_identifier: "mono_sync", attempts: 1, max_attempts: 3, payload: { canary: "canary" } };
  const logger = workerLogger(log).scope({
    label: "job",
    workerId: "worker-1",
    taskIdentifier: "mono_sync",
    jobId: "7",
  });
  const error = new Error("no account");
  logger.error(`Failed task 7 (mono_sync, 3ms, attempt 1 of 3) with error 'no account':\n  ${error.stack}`, {
    failure: true,
    job,
    error,
    duration: 3.21,
  });
  logger.info("Completed task 7 (mono_sync, 3ms) with success", { job, duration: 3.21, success: true });
  logger.warn("careful");
  const [failed, completed, warned] = lines();
  t.like(failed, { level: "error", worker: "job", worker_id: "worker-1", task: "mono_sync", job_id: "7", attempt: 1 });
  t.like(failed, { max_attempts: 3, duration_ms: 3, err: { name: "Error", message: "no account" } });
  t.is(failed?.msg, "Failed task 7 (mono_sync, 3ms, attempt 1 of 3) with error 'no account':");
  t.is(completed?.level, "debug");
  t.is(warned?.level, "warn");
  t.false(text().includes("canary"));
});

test("for people: one line, the error in brackets, nothing they have no use for", (t) => {
  const { log, text } = makeLog({ process: "worker" });
  logAbout(log, { platform: "mono" }).info({ pages: 3 }, "window read");
  t.regex(
    stripVTControlCharacters(formatForPeople(text())),
    /^\d\d:\d\d:\d\d info {2}window read platform=mono pages=3$/,
  );

  const failing = makeLog();
  failing.log.error({ err: Object.assign(new Error("refused"), { code: "CREDX" }) }, "cannot start");
  t.regex(stripVTControlCharacters(formatForPeople(failing.text())), /error cannot start \(Error CREDX: refused\)$/);

  t.is(formatForPeople("not JSON\n"), "not JSON");
});

test("what is waved through is exactly what the rules would leave as it is", (t) => {
  const word = fc.constantFrom(
    "run",
    "succeeded",
    "bearer",
    "Basic",
    "basics",
    "live_sk_abc",
    "a@b.io",
    "x".repeat(41),
    "",
    "é",
  );
  const number = fc.nat({ max: 999_999_999 }).map(String);
  const part = fc.oneof(word, number, fc.uuid(), fc.string({ maxLength: 12 }));
  const text = fc.tuple(fc.array(part, { maxLength: 12 }), fc.constantFrom(" ", "  ", "\n", "-", ""));
  fc.assert(
    fc.property(text, ([parts, between]) => {
      const joined = parts.join(between);
      t.is(maskText(joined), maskByRules(joined));
    }),
    { numRuns: 3_000 },
  );
  t.is(maskText("run succeeded"), "run succeeded");
  t.is(maskText("Authorization Bearer abcdef"), "Authorization Bearer ***");
  t.is(maskText("call 12345678"), "call ***");
});
