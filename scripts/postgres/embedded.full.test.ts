import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { type ExecutionContext } from "ava";
import { Client } from "pg";
import { DataFolderError, DataFolderInUseError } from "./data_folder.ts";
import { type EmbeddedPostgres, type PostgresOptions, PostgresStartError, startPostgres } from "./embedded.ts";
import { findSystemUser, isRoot } from "./system_user.ts";

async function temporaryFolder(t: ExecutionContext, mode = 0o755): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-embedded-"));
  await chmod(folder, mode);
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function start(
  t: ExecutionContext,
  options: Partial<PostgresOptions> & { dataDir: string },
): Promise<EmbeddedPostgres> {
  const postgres = await startPostgres({ version: 18, settings: { fsync: "off" }, ...options });
  t.teardown(() => postgres.stop());
  return postgres;
}

/** The first column of the first row. */
async function ask(url: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: "array" });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}

for (const version of [15, 18] as const) {
  test(`Postgres ${version} starts, keeps its data over stop, crash and restart, and sorts the same everywhere`, async (t) => {
    const dataDir = join(await temporaryFolder(t), "data");
    const postgres = await start(t, { version, dataDir, settings: {} });
    t.is(postgres.version, version);
    t.true(String(await ask(postgres.url, "show server_version")).startsWith(`${version}.`));
    t.is(await ask(postgres.url, "show listen_addresses"), "127.0.0.1");
    t.is(await ask(postgres.url, "show unix_socket_directories"), "");
    t.is(await ask(postgres.url, "show server_encoding"), "UTF8");
    t.is(await ask(postgres.url, "select string_agg(x, '' order by x) from unnest(array['b', 'B', 'a']) x"), "Bab");
    t.is(await ask(postgres.url, "select upper('é')"), "É");

    await ask(postgres.url, "create table kept as select 7 as n");
    for (const end of [() => postgres.stop(), () => postgres.crash(), () => postgres.crash("SIGQUIT")]) {
      await end();
      await t.throwsAsync(ask(postgres.url, "select 1"), { code: "ECONNREFUSED" });
      await postgres.restart();
      t.is(await ask(postgres.url, "select n from kept"), 7);
    }
    await postgres.stop();
    await postgres.stop();
    const again = await start(t, { version, dataDir });
    t.is(await ask(again.url, "select n from kept"), 7);
  });
}

test("the generated password is asked for and kept where only its owner reads it", async (t) => {
  const folder = await temporaryFolder(t);
  const postgres = await start(t, { dataDir: join(folder, "data") });
  const file = join(folder, "data.password");
  t.is((await stat(file)).mode & 0o777, 0o600);
  t.is((await readFile(file, "utf8")).trim(), new URL(postgres.url).password);
  const wrong = new URL(postgres.url);
  wrong.password = "wrong";
  await t.throwsAsync(ask(wrong.href, "select 1"), { code: "28P01" });
  await postgres.stop();

  await rm(file);
  await t.throwsAsync(start(t, { dataDir: join(folder, "data") }), {
    instanceOf: DataFolderError,
    message: /data\.password.*missing/,
  });
});

test("a second server on the same data is refused in words, and the first does not notice", async (t) => {
  const dataDir = join(await temporaryFolder(t), "data");
  const first = await start(t, { dataDir });
  await t.throwsAsync(start(t, { dataDir }), { instanceOf: DataFolderInUseError, message: /in use by process \d+/ });
  t.is(await ask(first.url, "select 1"), 1);
});

test("a pid file that names another living process is no obstacle", async (t) => {
  const dataDir = join(await temporaryFolder(t), "data");
  const first = await start(t, { dataDir });
  await first.crash();
  const pidFile = join(first.dataDir, "postmaster.pid");
  const [, ...rest] = (await readFile(pidFile, "utf8")).split("\n");
  // Ours: alive, and not a Postgres on this folder.
  await writeFile(pidFile, [String(process.ppid), ...rest].join("\n"));
  const second = await start(t, { dataDir });
  t.is(await ask(second.url, "select 1"), 1);
});

test("folders that are not ours are left alone", async (t) => {
  const dataDir = join(await temporaryFolder(t), "data");
  await mkdir(dataDir);
  await writeFile(join(dataDir, "diary.txt"), "dear diary");
  await t.throwsAsync(start(t, { dataDir }), { instanceOf: DataFolderError, message: /not Postgres data/ });
  t.is(await readFile(join(dataDir, "diary.txt"), "utf8"), "dear diary");

  const old = join(await temporaryFolder(t), "data");
  await (await start(t, { dataDir: old, version: 15 })).stop();
  await t.throwsAsync(start(t, { dataDir: old }), {
    instanceOf: DataFolderError,
    message: /made by Postgres 15, not 18/,
  });
});

test("a server that cannot start says why in its own words", async (t) => {
  const dataDir = join(await temporaryFolder(t), "data");
  const error = await t.throwsAsync(start(t, { dataDir, settings: { shared_buffers: "a lot" } }), {
    instanceOf: PostgresStartError,
  });
  t.regex(error.message, /invalid value for parameter "shared_buffers": "a lot"/);
});

test("a port that is asked for and taken is an error, not another port", async (t) => {
  const squatter = createServer().listen(0, "127.0.0.1");
  t.teardown(() => squatter.close());
  await once(squatter, "listening");
  const address = squatter.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const dataDir = join(await temporaryFolder(t), "data");
  await t.throwsAsync(start(t, { dataDir, port }), {
    instanceOf: PostgresStartError,
    message: `Port ${port} is taken; choose another for Postgres`,
  });
});

/** A process that starts a Postgres, prints its url, and waits to be killed. */
function starter(dataDir: string): ChildProcess {
  const module = join(import.meta.dirname, "embedded.ts");
  const code = `
    import { startPostgres } from ${JSON.stringify(module)};
    console.log((await startPostgres({ version: 18, dataDir: ${JSON.stringify(dataDir)} })).url);
    setInterval(() => {}, 1000);`;
  return spawn(process.execPath, ["--input-type=module", "--eval", code], { stdio: ["ignore", "pipe", "inherit"] });
}

function firstLine({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (stdout === null) reject(new TypeError("stdout is not piped"));
    else createInterface({ input: stdout }).once("line", resolve);
  });
}

test("Postgres does not outlive a starter that is killed, and the next start has the data", async (t) => {
  const dataDir = join(await temporaryFolder(t), "data");
  const child = starter(dataDir);
  const url = await firstLine(child);
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query("create table kept as select 7 as n");
  const disconnected = new Promise<Error>((resolve) => client.on("error", resolve));
  child.kill("SIGKILL");
  t.regex((await disconnected).message, /terminating connection due to administrator command|terminated unexpectedly/);

  const next = await start(t, { dataDir });
  t.is(await ask(next.url, "select n from kept"), 7);
});

const asRoot = isRoot() ? test : test.skip;

asRoot("as root, in a folder closed to others, the data lies elsewhere and is found again", async (t) => {
  const folder = await temporaryFolder(t, 0o700);
  const notes: string[] = [];
  const onNote = (note: string): void => void notes.push(note);
  let elsewhere = folder;
  // Teardowns run backwards: this one after the servers have stopped.
  t.teardown(() => rm(elsewhere, { recursive: true, force: true }));
  const postgres = await start(t, { dataDir: join(folder, "data"), onNote });
  elsewhere = join(postgres.dataDir, "..");
  t.false(postgres.dataDir.startsWith(folder));
  t.true(notes[0]?.includes(postgres.dataDir));
  await ask(postgres.url, "create table kept as select 7 as n");
  await postgres.stop();
  const again = await start(t, { dataDir: join(folder, "data"), onNote });
  t.is(again.dataDir, postgres.dataDir);
  t.is(await ask(again.url, "select n from kept"), 7);
});

asRoot("as root, data that an ordinary user made stays that user's", async (t) => {
  const nobody = findSystemUser("nobody");
  if (nobody === undefined) throw new Error("Every system has a nobody");
  const dataDir = join(await temporaryFolder(t), "data");
  const first = await start(t, { dataDir });
  t.not((await stat(join(dataDir, "postmaster.pid"))).uid, nobody.uid);
  await first.stop();
  t.is(spawnSync("chown", ["-R", "nobody", dataDir]).status, 0);
  const second = await start(t, { dataDir });
  t.is(await ask(second.url, "select 1"), 1);
  t.is((await stat(join(dataDir, "postmaster.pid"))).uid, nobody.uid);
});
