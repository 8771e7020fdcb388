import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { parseEncryptionKeys } from "../db/encryption_keys.ts";
import { areVapidKeysAPair } from "../db/vapid_keys.ts";
import { readDemoKeys, readOrCreateDemoKeys, readOrCreateDemoVapidKeys } from "./demo_keys.ts";
import { UsageError } from "./usage.ts";

async function dataFolder(t: ExecutionContext): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), "tidemark-keys-"));
  t.teardown(() => rm(data, { recursive: true }));
  return data;
}

test("keys are made once, are fit for use, and are their owner's only", async (t) => {
  const data = await dataFolder(t);
  t.is(await readDemoKeys(data), null);
  const [one, other] = await Promise.all([readOrCreateDemoKeys(data), readOrCreateDemoKeys(data)]);
  t.is(one, other);
  t.is(parseEncryptionKeys(one).length, 1);
  t.is(await readDemoKeys(data), one);
  t.is((await stat(join(data, "encryption.keys"))).mode & 0o777, 0o600);
});

test("a file without keys is told, never replaced", async (t) => {
  const data = await dataFolder(t);
  await writeFile(join(data, "encryption.keys"), "demo:c2hvcnQ=\n");
  await t.throwsAsync(readOrCreateDemoKeys(data), { instanceOf: UsageError, message: /holds no encryption keys/ });
});

test("VAPID keys are a pair, and stay the same: browsers subscribed with them", async (t) => {
  const data = await dataFolder(t);
  const [one, other] = await Promise.all([readOrCreateDemoVapidKeys(data), readOrCreateDemoVapidKeys(data)]);
  t.deepEqual(one, other);
  t.true(areVapidKeysAPair(one.publicKey, one.privateKey));
  t.is((await stat(join(data, "vapid.keys"))).mode & 0o777, 0o600);
  for (const damage of ["", "{}", JSON.stringify({ ...one, privateKey: one.publicKey })]) {
    await writeFile(join(data, "vapid.keys"), damage);
    await t.throwsAsync(readOrCreateDemoVapidKeys(data), { instanceOf: UsageError, message: /holds no VAPID keys/ });
  }
});
