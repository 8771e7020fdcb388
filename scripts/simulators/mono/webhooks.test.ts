import test, { type ExecutionContext } from "ava";
import { z } from "zod";
import { json, startServer, type SimulatorServer } from "../http.ts";
import { DAY, MINUTE, refresh, startForTest } from "./test_client.ts";

const bodyShape = z.looseObject({ event: z.string(), event_id: z.string().optional(), data: z.looseObject({}) });

type Received = { secret: string | undefined; body: z.output<typeof bodyShape> };

/** Answers with the statuses given, then 200. */
async function receiver(
  t: ExecutionContext,
  statuses: number[] = [],
): Promise<{ url: string; received: Received[]; server: SimulatorServer }> {
  const received: Received[] = [];
  const server = await startServer({
    routes: [
      {
        method: "POST",
        path: "/hook",
        handle: (request) => {
          received.push({
            secret: String(request.headers["mono-webhook-secret"]),
            body: bodyShape.parse(request.body),
          });
          return json(statuses.shift() ?? 200, {});
        },
      },
    ],
  });
  t.teardown(() => server.close());
  return { url: `${server.url}/hook`, received, server };
}

const names = (received: Received[]): string[] => received.map(({ body }) => body.event);

test("a job's end is told twice over, by two events with their own spellings", async (t) => {
  const hook = await receiver(t);
  const mono = await startForTest(t, { webhooks: { url: hook.url, secret: "s3", mode: "manual" } });
  const id = mono.createAccount({ perWeek: 40, ref: "ref-1" });
  mono.moveClock({ advanceMs: DAY });
  const { jobId } = await refresh(mono, id);
  t.is(hook.received.length, 0);
  t.like(await mono.flushWebhooks(), { delivered: 2, waiting: 0 });
  t.true(hook.received.every(({ secret }) => secret === "s3"));
  const update = hook.received.find(({ body }) => body.event === "mono.accounts.jobs.update")?.body;
  t.like(update, { data: { account: id, id: jobId, status: "finished", name: "jobs.accounts.sync_statement" } });
  t.is(update?.event_id, undefined);
  const updated = hook.received.find(({ body }) => body.event === "mono.events.account_updated")?.body;
  t.regex(String(updated?.event_id), /^[A-Za-z0-9]{42}$/);
  t.like(updated, {
    data: {
      account: { _id: id, currency: "NGN", balance: Number(mono.truth(id).balance), institution: { bankCode: "058" } },
      meta: {
        sync_status: "SUCCESSFUL",
        has_new_data: true,
        job_id: jobId,
        ref: "ref-1",
        auth_method: "internet_banking",
      },
    },
  });
});

test("has_new_data is there only when true", async (t) => {
  const mono = await startForTest(t);
  await refresh(mono, mono.createAccount({ perWeek: 40 }));
  const meta = mono.events().find(({ name }) => name === "mono.events.account_updated")?.data["meta"];
  t.like(meta, { sync_status: "SUCCESSFUL" });
  t.notRegex(JSON.stringify(meta), /has_new_data/);
});

test("the order of the two events is not always the same", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 0 });
  for (let index = 0; index < 12; index += 1) {
    await refresh(mono, id);
    mono.moveClock({ advanceMs: 5 * MINUTE });
  }
  const firsts = new Set(
    mono
      .events()
      .filter((_event, index) => index % 2 === 0)
      .map(({ name }) => name),
  );
  t.is(firsts.size, 2);
});

test("in mode auto they leave by themselves, also for a job that ends when the clock moves", async (t) => {
  const hook = await receiver(t);
  const mono = await startForTest(t, { webhooks: { url: hook.url } });
  const id = mono.createAccount({ perWeek: 0 });
  mono.setRealtime(id, { durationMs: 20_000 });
  await refresh(mono, id);
  const arrival = hook.server.nextRequest(() => true);
  mono.moveClock({ advanceMs: 20_000 });
  await arrival;
  await mono.idle();
  t.deepEqual(names(hook.received).toSorted(), ["mono.accounts.jobs.update", "mono.events.account_updated"]);
});

test("what is not answered with 2xx is tried again, then given up", async (t) => {
  const hook = await receiver(t, [500, 401, 200, 500, 500, 500, 500]);
  const mono = await startForTest(t, { webhooks: { url: hook.url, mode: "manual", retryDelaysMs: [1, 1, 1] } });
  const id = mono.createAccount({ perWeek: 0 });
  mono.setConsent(id, { expired: true, announce: true });
  await mono.flushWebhooks();
  t.like(await mono.flushWebhooks(), { waiting: 1, refused: 2 });
  t.like(await mono.flushWebhooks(), { waiting: 0, delivered: 1 });
  t.deepEqual(names(hook.received), Array(3).fill("mono.events.reauthorisation_required"));
  mono.setConsent(id, { expired: true, announce: true });
  for (let round = 0; round < 4; round += 1) await mono.flushWebhooks();
  t.like(mono.state().webhooks, { waiting: 0, delivered: 1, givenUp: 1, refused: 6 });
});

test("in mode auto a retry waits for its time on the virtual clock", async (t) => {
  const hook = await receiver(t, [503]);
  const mono = await startForTest(t, { webhooks: { url: hook.url, retryDelaysMs: [30_000] } });
  const id = mono.createAccount({ perWeek: 0 });
  mono.setConsent(id, { expired: true, announce: true });
  await mono.idle();
  mono.moveClock({ advanceMs: 29_999 });
  await mono.idle();
  t.is(hook.received.length, 1);
  mono.moveClock({ advanceMs: 1 });
  await mono.idle();
  t.is(hook.received.length, 2);
});

test("lost, duplicated, out of order", async (t) => {
  const hook = await receiver(t);
  const mono = await startForTest(t, { webhooks: { url: hook.url, mode: "manual", lose: 1, order: "reversed" } });
  const ids = Array.from({ length: 4 }, () => mono.createAccount({ perWeek: 0 }));
  const announce = (id: string | undefined): void => mono.setConsent(String(id), { expired: true, announce: true });
  announce(ids[0]);
  announce(ids[1]);
  mono.configureWebhooks({ duplicate: 1 });
  announce(ids[2]);
  announce(ids[3]);
  t.like(await mono.flushWebhooks(), { events: 4, lost: 1, duplicated: 1, delivered: 4 });
  const about = hook.received.map(
    ({ body }) => z.object({ account: z.object({ _id: z.string() }) }).parse(body.data).account._id,
  );
  t.deepEqual(about, [ids[3], ids[2], ids[2], ids[1]]);
});

test("a renewed consent sends reauthorized, then updated with fresh data", async (t) => {
  const mono = await startForTest(t);
  const id = mono.createAccount({ perWeek: 40 });
  mono.setConsent(id, { expired: true });
  mono.moveClock({ advanceMs: 5 * DAY });
  mono.setConsent(id, { expired: false });
  t.deepEqual(
    mono.events().map(({ name }) => name),
    ["mono.events.account_reauthorized", "mono.events.account_updated"],
  );
  t.like(mono.events().at(-1)?.data["meta"], { sync_status: "SUCCESSFUL", data_status: "AVAILABLE" });
  t.is(mono.cached(id).transactions?.length, mono.truth(id).transactions.length);
  t.is(mono.state().chargesKobo, 500n);
  t.is((await refresh(mono, id)).status, "finished");
});

test("a receiver that cannot be reached counts as a refusal", async (t) => {
  const hook = await receiver(t);
  const mono = await startForTest(t, { webhooks: { url: "http://127.0.0.1:1/", mode: "manual" } });
  const id = mono.createAccount({ perWeek: 0 });
  mono.setConsent(id, { expired: true, announce: true });
  t.like(await mono.flushWebhooks(), { refused: 1, waiting: 1 });
  mono.configureWebhooks({ url: hook.url });
  t.like(await mono.flushWebhooks(), { delivered: 1, waiting: 0 });
});
