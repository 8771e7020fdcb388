import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { writeConnection } from "./connection.ts";

type Ended = { code: number; output: string };

/** Runs the command where psql is a script of ours that shows what it was given, or is missing. */
async function runPsql(
  t: ExecutionContext,
  options: { psql: string | null; databaseUrl?: string; started?: string; args?: string[] },
): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-psql-"));
  t.teardown(() => rm(folder, { recursive: true }));
  if (options.psql !== null) {
    await writeFile(join(folder, "psql"), `#!/bin/sh\n${options.psql}\n`);
    await chmod(join(folder, "psql"), 0o755);
  }
  if (options.started !== undefined) {
    const url = "http://127.0.0.1:1";
    await writeConnection(folder, { databaseUrl: options.started, serverUrl: url, monoUrl: url, momoUrl: url });
  }
  const env = { PATH: folder, TIDEMARK_DATA: folder, DATABASE_URL: options.databaseUrl ?? "" };
  const script = join(import.meta.dirname, "psql.ts");
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...(options.args ?? [])], { env, cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, output: stdout + stderr });
    });
  });
}

const show = 'echo "arguments: $*; password: $PGPASSWORD"; exit 3';

test("psql opens with our short names", async (t) => {
  const databaseUrl = "postgres://me@127.0.0.1:5433/app";
  const { output } = await runPsql(t, { psql: '/bin/cat "$PSQLRC"', databaseUrl });
  t.regex(output, /^\\set health 'select \* from app_admin\.platform_health;'$/m);
});

test("psql gets the address, our arguments, and the password by its environment", async (t) => {
  const databaseUrl = "postgres://me:pw@127.0.0.1:5433/app";
  t.deepEqual(await runPsql(t, { psql: show, databaseUrl, args: ["-c", "select 1"] }), {
    code: 3,
    output: "arguments: postgres://me@127.0.0.1:5433/app -c select 1; password: pw\n",
  });
});

test("without DATABASE_URL it is the database of the npm start that runs here", async (t) => {
  const { output } = await runPsql(t, { psql: show, started: "postgres://tidemark:pw@127.0.0.1:5433/tidemark" });
  t.is(output, "arguments: postgres://tidemark@127.0.0.1:5433/tidemark; password: pw\n");
});

test("with neither it says what to do", async (t) => {
  const { code, output } = await runPsql(t, { psql: show });
  t.is(code, 2);
  t.regex(output, /^There is no database to work on: DATABASE_URL is not set, and no `npm start` runs here/);
});

test("without psql it says where to point another client, and how to get psql", async (t) => {
  const started = "postgres://tidemark:pw@127.0.0.1:5433/tidemark";
  const embedded = await runPsql(t, { psql: null, started });
  t.is(embedded.code, 2);
  t.true(embedded.output.includes(`  ${started}\n`));
  t.regex(embedded.output, /postgresql-client/);

  const own = await runPsql(t, { psql: null, databaseUrl: "postgres://me:pw@db.example/app" });
  t.is(own.code, 2);
  t.true(own.output.includes("  postgres://me@db.example/app\n"), "somebody's own password is not shown");
});
