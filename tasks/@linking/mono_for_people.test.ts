import test, { type ExecutionContext } from "ava";
import type { Client } from "pg";
import { valueOf } from "../../db/testing/ask.ts";
import { type ClonedDb, withClonedDb } from "../../db/testing/database.ts";
import { type MonoSimulator, startMonoSimulator } from "../../scripts/simulators/mono/simulator.ts";
import { createHttpClient } from "../@http/client.ts";
import { ProviderError } from "../@http/errors.ts";
import { createMonoClient } from "../@providers/mono/client.ts";
import { QuotaGate } from "../@quota/quota_gate.ts";
import { QuotaWaitError } from "../@quota/quota_wait.ts";
import { MonoForPeople, ProviderBusyError } from "./mono_for_people.ts";

type Scene = {
  mono: MonoSimulator;
  people: MonoForPeople;
  owner: Client;
  cloned: ClonedDb;
  syncOf: (id: string) => Promise<unknown>;
};

const LIMIT = 20;
const WINDOW_MS = 2_000;

/** A Mono that takes 20 requests in two seconds, which the quota knows, and two ways to ask it: a person's and a sync's. */
const withMono = (
  body: (t: ExecutionContext, scene: Scene) => Promise<void>,
): ((t: ExecutionContext) => Promise<void>) =>
  withClonedDb(async (t, cloned) => {
    const limits = { limit: LIMIT, windowMs: WINDOW_MS, clock: "machine" as const, retryAfter: "seconds" as const };
    const mono = await startMonoSimulator({ seed: "people", rateLimit: limits });
    const http = createHttpClient();
    const owner = await cloned.connect("app_owner");
    await owner.query(
      "update app_private.quotas set requests = $1, per = $2 * interval '1 ms' where platform_source = 'mono'",
      [LIMIT, WINDOW_MS],
    );
    const client = createMonoClient({ http, baseUrl: mono.url, secretKey: mono.secretKey });
    const gate = new QuotaGate(cloned.pool("app_worker"), "mono");
    try {
      await body(t, {
        mono,
        owner,
        cloned,
        people: new MonoForPeople({ client, db: cloned.pool("app_service") }),
        syncOf: (id) =>
          client.accountDetails(id, { signal: AbortSignal.timeout(60_000), permit: () => gate.permit(false) }),
      });
    } finally {
      await http.close();
      await mono.close();
    }
  });

test(
  "people who link and syncs together keep to the provider's limit, and the people are not the last",
  withMono(async (t, { mono, people, syncOf }) => {
    const id = mono.createAccount({ perWeek: 0 });
    const order: string[] = [];
    await Promise.all([
      ...Array.from({ length: 40 }, () => syncOf(id).then(() => order.push("sync"))),
      ...Array.from({ length: 10 }, () =>
        people.ask((client, by) => client.linkDetails(id, by)).then(() => order.push("person")),
      ),
    ]);
    t.is(order.length, 50);
    t.is(mono.state().breaches, 0);
    t.true(order.lastIndexOf("person") < order.lastIndexOf("sync"), order.join(" "));
    // The control: asked past the quota, Mono says no.
    const past = createHttpClient();
    const client = createMonoClient({ http: past, baseUrl: mono.url, secretKey: mono.secretKey });
    const rude = Array.from({ length: LIMIT + 1 }, () =>
      client.linkDetails(id, { signal: AbortSignal.timeout(60_000) }),
    );
    await t.throwsAsync(Promise.all(rude), { instanceOf: ProviderError, message: /429/ });
    await Promise.allSettled(rude);
    await past.close();
    t.true(mono.state().breaches > 0);
  }),
);

test(
  "where the quota has no room for long, the person is told when to come back, and Mono is not asked",
  withMono(async (t, { mono, people, owner }) => {
    const id = mono.createAccount({ perWeek: 0 });
    await owner.query(
      "update app_private.quotas set blocked_until = clock_timestamp() + interval '90 s' where platform_source = 'mono'",
    );
    const error = await t.throwsAsync(
      people.ask((client, by) => client.linkDetails(id, by)),
      {
        instanceOf: ProviderBusyError,
        message: /^Mono is being asked for a lot just now; try again in \d+ seconds\.$/,
      },
    );
    t.true((error?.retryAfterSeconds ?? 0) > 60);
    t.deepEqual(mono.requests(), {});
    await owner.query("update app_private.quotas set blocked_until = null");
    await t.notThrowsAsync(people.ask((client, by) => client.linkDetails(id, by)));
  }),
);

test(
  "a 429 teaches the quota, so that nobody asks again before Mono said",
  withMono(async (t, { mono, people, owner, cloned }) => {
    const id = mono.createAccount({ perWeek: 0 });
    mono.setRateLimit({ limit: 1, windowMs: 60_000, clock: "machine", retryAfter: "seconds" });
    await people.ask((client, by) => client.linkDetails(id, by));
    await t.throwsAsync(
      people.ask((client, by) => client.linkDetails(id, by)),
      { instanceOf: ProviderBusyError },
    );
    const before = mono.requests();
    const elsewhere = new QuotaGate(cloned.pool("app_worker"), "mono");
    await t.throwsAsync(elsewhere.permit(true), { instanceOf: QuotaWaitError }, "another process knows as well");
    t.deepEqual(mono.requests(), before);
    t.is(await valueOf(owner, "select learned < 1 from app_private.quotas where platform_source = 'mono'"), true);
  }),
);
