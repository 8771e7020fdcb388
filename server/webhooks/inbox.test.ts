import { randomBytes } from "node:crypto";
import test from "ava";
import type { Queryable } from "../../db/queryable.ts";
import { parseKeyring } from "../../tasks/@credentials/keyring.ts";
import { z } from "zod";
import { bodyHasher, WebhookInbox } from "./inbox.ts";

const keyring = (byte: number) =>
  parseKeyring(`k:${Buffer.from(Array.from({ length: 32 }, (_, n) => (n + byte) % 256)).toString("base64")}`);

const call = z.array(z.object({ dedupeKey: z.string() }));

/** A database that answers when it is let, and refuses whatever holds `poison`. */
function slowDatabase() {
  const calls: string[][] = [];
  const held: (() => void)[] = [];
  const db: Queryable = {
    async query(_text, values) {
      const keys = call.parse(JSON.parse(String(values?.[0]))).map(({ dedupeKey }) => dedupeKey);
      calls.push(keys);
      await new Promise<void>((resolve) => held.push(resolve));
      if (keys.includes("poison")) throw new Error("refused");
      return { rows: [{ received: keys.length }] };
    },
  };
  const release = (): void => held.shift()?.();
  return { db, calls, release };
}

const webhook = (dedupeKey: string) => ({
  platform: "mono" as const,
  dedupeKey,
  event: "mono.x",
  bodyHmac: randomBytes(32).toString("base64"),
});

test("what arrives during a call is stored together by the next one, and each sender is told when its own is safe", async (t) => {
  const { db, calls, release } = slowDatabase();
  const inbox = new WebhookInbox(db);
  const safe: string[] = [];
  const sent = ["a", "b", "c"].map(async (key) => {
    await inbox.receive(webhook(key));
    safe.push(key);
  });
  t.deepEqual(calls, [["a"]]);
  release();
  await sent[0];
  t.deepEqual(safe, ["a"]);
  t.deepEqual(calls, [["a"], ["b", "c"]]);
  release();
  await Promise.all(sent);
  t.deepEqual(safe, ["a", "b", "c"]);
});

test("one that cannot be stored costs itself only", async (t) => {
  const calls: string[][] = [];
  const db: Queryable = {
    query(_text, values) {
      const keys = call.parse(JSON.parse(String(values?.[0]))).map(({ dedupeKey }) => dedupeKey);
      calls.push(keys);
      if (keys.includes("poison")) return Promise.reject(new Error("refused"));
      return Promise.resolve({ rows: [{ received: keys.length }] });
    },
  };
  const inbox = new WebhookInbox(db);
  const results = await Promise.allSettled(["first", "a", "poison", "b"].map((key) => inbox.receive(webhook(key))));
  t.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected", "fulfilled"],
  );
  t.deepEqual(calls, [["first"], ["a", "poison", "b"], ["a"], ["poison"], ["b"]]);
  await t.notThrowsAsync(inbox.receive(webhook("later")));
});

test("the hash is keyed: equal bodies are equal under one key only", (t) => {
  const body = Buffer.from('{"accountNumber":"0100000062"}');
  t.deepEqual(bodyHasher(keyring(1))(body), bodyHasher(keyring(1))(body));
  t.notDeepEqual(bodyHasher(keyring(1))(body), bodyHasher(keyring(2))(body));
  t.notDeepEqual(bodyHasher(keyring(1))(body), bodyHasher(keyring(1))(Buffer.from("{}")));
  t.is(bodyHasher(keyring(1))(body).length, 32);
});
