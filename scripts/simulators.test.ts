import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { writeConnection } from "./connection.ts";
import { startMonoSimulator } from "./simulators/mono/simulator.ts";

function startSimulators(data: string): { process: ChildProcess; output: () => string; ended: Promise<number | null> } {
  const child = spawn(process.execPath, [join(import.meta.dirname, "simulators.ts")], {
    cwd: data,
    env: { PATH: process.env["PATH"], TIDEMARK_DATA: data, PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return {
    process: child,
    output: () => output,
    ended: once(child, "exit").then(([code]: (number | null)[]) => code ?? null),
  };
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
  const refused = startSimulators(data);
  t.is(await refused.ended, 2, refused.output());
  t.regex(refused.output(), /^`npm start` runs here with simulators of its own/);

  // As a start leaves it that was cut off: the file is there, and nobody answers.
  await started.close();
  const alone = startSimulators(data);
  while (!alone.output().includes("Control ")) {
    await Promise.race([once(alone.process.stdout ?? alone.process, "data"), alone.ended]);
    if (alone.process.exitCode !== null) break;
  }
  alone.process.kill("SIGINT");
  t.is(await alone.ended, 0, alone.output());
  t.regex(alone.output(), /^Mono +http:/);
});
