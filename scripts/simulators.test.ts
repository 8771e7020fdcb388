import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { writeConnection } from "./connection.ts";
import { startMonoSimulator } from "./simulators/mono/simulator.ts";

type Started = { process: ChildProcess; output: () => string; ended: Promise<number | null> };

function startSimulators(t: ExecutionContext, data: string): Started {
  const child = spawn(process.execPath, [join(import.meta.dirname, "simulators.ts")], {
    cwd: data,
    env: { PATH: process.env["PATH"], TIDEMARK_DATA: data, PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.teardown(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  // Closed, and not only ended: all that it said has been read then.
  const ended = once(child, "close").then(() => child.exitCode);
  return { process: child, output: () => output, ended };
}

test("beside an npm start with simulators they are refused, and start once it is gone", async (t) => {
  const data = await mkdtemp(join(tmpdir(), "tidemark-simulators-"));
  t.teardown(() => rm(data, { recursive: true }));
  const started = await startMonoSimulator({ seed: t.title });
  await writeConnection(data, {
    databaseUrl: "postgres://tidemark:pw@127.0.0.1:1/tidemark",
    serverUrl: "http://localhost:1",
    monoUrl: started.url,
    momoUrl: "https://sandbox.momodeveloper.mtn.com",
  });
  const refused = startSimulators(t, data);
  t.is(await refused.ended, 2, refused.output());
  t.regex(refused.output(), /^`npm start` runs here with simulators of its own/);

  // As a start leaves it that was cut off: the file is there, and nobody answers.
  await started.close();
  const alone = startSimulators(t, data);
  while (!alone.output().includes("Control ")) {
    await Promise.race([once(alone.process.stdout ?? alone.process, "data"), alone.ended]);
    if (alone.process.exitCode !== null) break;
  }
  alone.process.kill("SIGINT");
  t.is(await alone.ended, 0, alone.output());
  t.regex(alone.output(), /^Mono +http:/);
});
