import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { commandDatabase, readConnection, removeConnection, writeConnection } from "./connection.ts";
import { UsageError } from "./usage.ts";

const connection = {
  databaseUrl: "postgres://tidemark:pw@127.0.0.1:5433/tidemark",
  serverUrl: "http://localhost:4100",
  monoUrl: "http://127.0.0.1:5001",
  momoUrl: "http://127.0.0.1:5002",
};

async function dataFolder(t: ExecutionContext): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), "tidemark-connection-"));
  t.teardown(() => rm(data, { recursive: true }));
  return data;
}

test("what is written is read, by its owner only, and is gone when it was removed", async (t) => {
  const data = await dataFolder(t);
  t.is(await readConnection(data), null);
  await writeConnection(data, connection);
  t.deepEqual(await readConnection(data), connection);
  t.is((await stat(join(data, "connection.json"))).mode & 0o777, 0o600);
  t.deepEqual(await readdir(data), ["connection.json"]);
  await removeConnection(data);
  await removeConnection(data);
  t.is(await readConnection(data), null);
});

for (const text of ["", "{", "[]", '{"databaseUrl":"postgres://127.0.0.1/x"}']) {
  test(`a connection.json of ${JSON.stringify(text)} is told as damaged`, async (t) => {
    const data = await dataFolder(t);
    await writeFile(join(data, "connection.json"), text);
    await t.throwsAsync(readConnection(data), { instanceOf: UsageError, message: /is damaged/ });
  });
}

test("a command works on DATABASE_URL, else on what runs here, else says what to do", async (t) => {
  const data = await dataFolder(t);
  const error = await t.throwsAsync(commandDatabase({ TIDEMARK_DATA: data }), { instanceOf: UsageError });
  t.regex(error?.message ?? "", /DATABASE_URL is not set, and no `npm start` runs here/);
  await writeConnection(data, connection);
  t.deepEqual(await commandDatabase({ TIDEMARK_DATA: data }), {
    databaseUrl: connection.databaseUrl,
    started: connection,
  });
  const own = "postgres://app@db.example/app";
  t.deepEqual(await commandDatabase({ TIDEMARK_DATA: data, DATABASE_URL: own }), { databaseUrl: own, started: null });
});
