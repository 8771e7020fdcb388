import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { canarySecret } from "./catalogue.ts";
import { type CanaryReport, readLedger, unsearched } from "./ledger.ts";
import { PrintedCanaries, type PrintingEvent } from "./printed.ts";

const secret = canarySecret("hex");
const shown = `a marked secret (${secret.slice(0, 24)}…)`;

/** A test process of its own, which listens. Its findings are not this run's. */
async function inProcess(program: string): Promise<{ report: CanaryReport; said: string }> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-canaries-"));
  const file = join(folder, "canaries.jsonl");
  const preamble = `import { listenForCanaries } from ${JSON.stringify(join(import.meta.dirname, "listen.ts"))};
    listenForCanaries(() => "a.test.ts");`;
  try {
    const said = await new Promise<string>((resolve, reject) => {
      execFile(
        process.execPath,
        ["--input-type=module", "--eval", preamble + program],
        { env: { ...process.env, TEST_CANARIES_FILE: file, SECRET: secret } },
        (error, stdout, stderr) => (error === null ? resolve(stdout) : reject(new Error(stderr, { cause: error }))),
      );
    });
    return { report: await readLedger(file), said };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("a log line is searched, wherever the log goes; what the log has masked is not there", async (t) => {
  const { report } = await inProcess(`
    import { pino } from "pino";
    import { createLog } from ${JSON.stringify(join(import.meta.dirname, "../../log.ts"))};
    const destination = { write() {} };
    pino({}, destination).info({ key: process.env.SECRET }, "careless");
    createLog({ level: "trace", destination }).info({ text: "key " + process.env.SECRET, number: "0131883461" }, "careful");
  `);
  t.is(report.searched.logLines, 2);
  t.is(report.found.length, 1);
  t.true(report.found[0]?.startsWith(`a.test.ts: a log line holds ${shown}`), report.found[0]);
  t.regex(report.found[0] ?? "", /careless/);
});

test("what a child process writes is searched, in whatever pieces it comes, and reaches its reader whole", async (t) => {
  const { report, said } = await inProcess(`
    import { spawn } from "node:child_process";
    const cut = "process.stderr.write('it is ' + process.env.SECRET.slice(0, 8), () => process.stdin.once('data', () => " +
      "{ process.stderr.write(process.env.SECRET.slice(8)); process.stdin.unref(); }))";
    const child = spawn(process.execPath, ["--eval", cut], { stdio: ["pipe", "inherit", "pipe"] });
    let read = "";
    child.stderr.once("data", () => child.stdin.end("go on"));
    child.stderr.on("data", (chunk) => (read += chunk));
    child.once("close", () => console.log(read === "it is " + process.env.SECRET));
  `);
  t.is(said, "true\n");
  t.is(report.searched.childOutput, `it is ${secret}`.length);
  t.is(report.found.length, 1);
  t.regex(report.found[0] ?? "", /^a\.test\.ts: the output of .* --eval .* holds a marked secret/s);
});

test("errors, answers to webhooks and what GraphQL says went wrong are searched; a person's own data is not", async (t) => {
  const { report } = await inProcess(`
    import Fastify from "fastify";
    const app = Fastify();
    const number = "0131883461";
    app.get("/mine", () => ({ number }));
    app.get("/refused", (request, reply) => reply.code(400).send({ detail: "no account " + number }));
    app.post("/webhooks/mono", () => ({ seen: number }));
    app.post("/graphql", () => ({ data: { number: "256770000001" }, errors: [{ message: "not " + number }] }));
    for (const url of ["/mine", "/refused?x=1"]) await app.inject({ url });
    for (const url of ["/webhooks/mono", "/graphql"]) await app.inject({ url, method: "POST" });
  `);
  t.is(report.searched.replies, 4);
  t.deepEqual(
    report.found.map((found) => found.replace(/: "?[{[].*/s, "")),
    [
      "a.test.ts: the answer 400 to GET /refused holds an account number (0131883461)",
      "a.test.ts: the answer 200 to POST /webhooks/mono holds an account number (0131883461)",
      "a.test.ts: the answer 200 to POST /graphql holds an account number (0131883461)",
    ],
  );
});

test("what AVA prints is searched: output in whatever pieces, titles and t.log", (t) => {
  const told: unknown[] = [];
  const printed = new PrintedCanaries((line) => void told.push(line));
  const testFile = join(process.cwd(), "db/a.test.ts");
  const events: PrintingEvent[] = [
    { type: "worker-stdout", testFile, chunk: Buffer.from("first 01318") },
    { type: "worker-stderr", testFile, chunk: Buffer.from("another stream\n") },
    { type: "worker-stdout", testFile, chunk: Buffer.from("83461\nand 256770") },
    { type: "worker-stdout", testFile, chunk: Buffer.from("000001") },
    { type: "test-passed", testFile, title: "of live_sk_abc", logs: ["fine"] },
  ];
  for (const event of events) printed.hear(event);
  printed.end();
  t.deepEqual(told, [
    { found: "db/a.test.ts: its output holds an account number (0131883461): first 0131883461" },
    { found: "db/a.test.ts: a title or t.log holds a secret key of Mono's (live_sk_abc): of live_sk_abc" },
    { found: "db/a.test.ts: its output holds a telephone number (256770000001): and 256770000001" },
    { searched: { printed: 67 } },
  ]);
});

test("a search that did not happen is told", async (t) => {
  const nothing = await readLedger(join(tmpdir(), "tidemark-no-such-ledger"));
  t.deepEqual(unsearched(nothing, false), []);
  t.is(unsearched(nothing, true).length, Object.keys(nothing.searched).length);
  const all = { databasesMade: 3, databasesSearched: 3, transactionsSearched: 1, rows: 1, logLines: 1, replies: 1 };
  const searched = { ...all, printed: 1, childOutput: 1 };
  t.deepEqual(unsearched({ found: [], searched }, true), []);
  t.deepEqual(unsearched({ found: [], searched: { ...searched, databasesSearched: 2 } }, false), [
    "1 of 3 databases were dropped unsearched",
  ]);
});
