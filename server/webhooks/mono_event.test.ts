import test from "ava";
import fc from "fast-check";
import { readMonoEvent } from "./mono_event.ts";

const ACCOUNT = "697926f050b9c321c1451dda";
const JOB = "68c9928e2f51b0693d5fffeb";

/** Without what is undefined. */
const read = (body: unknown) =>
  Object.fromEntries(Object.entries(readMonoEvent(body) ?? {}).filter(([, value]) => value !== undefined));

test("account_updated, as Mono's docs show it: identifiers and statuses, and nothing else of it", (t) => {
  const body = {
    event: "mono.events.account_updated",
    event_id: "tDZCfxYASzx75YtXe3zbrgNzQtohDd6AE2BwWRvKf4",
    timestamp: "2026-01-27T21:00:38.856Z",
    data: {
      account: {
        _id: ACCOUNT,
        name: "SAMUEL OLAMIDE",
        accountNumber: "0100000062",
        currency: "NGN",
        balance: 1754200,
        type: "SAVINGS_ACCOUNT",
        bvn: "9422",
        authMethod: "mobile_banking",
        institution: { name: "Union Bank", bankCode: "032", type: "PERSONAL_BANKING" },
      },
      meta: {
        data_status: "AVAILABLE",
        auth_method: "mobile_banking",
        ref: "180400",
        sync_status: "REAUTHORISATION_REQUIRED",
        job_id: JOB,
        retrieved_data: ["identity", "balance"],
      },
    },
  };
  t.deepEqual(read(body), {
    event: "mono.events.account_updated",
    eventId: "tDZCfxYASzx75YtXe3zbrgNzQtohDd6AE2BwWRvKf4",
    providerAccountId: ACCOUNT,
    jobId: JOB,
    dataStatus: "AVAILABLE",
    syncStatus: "REAUTHORISATION_REQUIRED",
    occurredAt: "2026-01-27T21:00:38.856Z",
  });
});

test("every other event, in its own shape", (t) => {
  t.deepEqual(
    read({
      event: "mono.events.account_connected",
      data: { id: ACCOUNT, customer: "682dd53a74682beb490a0ed4", meta: { data_status: "PROCESSING", ref: "x" } },
    }),
    { event: "mono.events.account_connected", providerAccountId: ACCOUNT, dataStatus: "PROCESSING" },
  );
  const jobUpdate = { id: JOB, name: "jobs.accounts.sync_statement", status: "FINISHED", business: "b", app: "a" };
  for (const account of [ACCOUNT, { _id: ACCOUNT }, { id: ACCOUNT }]) {
    t.deepEqual(read({ event: "mono.accounts.jobs.update", data: { ...jobUpdate, account } }), {
      event: "mono.accounts.jobs.update",
      providerAccountId: ACCOUNT,
      jobId: JOB,
      status: "finished",
    });
  }
  for (const event of [
    "mono.events.account_reauthorized",
    "mono.events.reauthorisation_required",
    "mono.events.sync_failed",
    "mono.events.account_unlinked",
    "mono.events.never_heard_of",
  ]) {
    t.deepEqual(read({ event, data: { account: { _id: ACCOUNT } } }), { event, providerAccountId: ACCOUNT });
  }
});

test("keys are read in each of their spellings", (t) => {
  const expected = {
    event: "mono.events.account_updated",
    eventId: "e1",
    providerAccountId: ACCOUNT,
    jobId: JOB,
    dataStatus: "PARTIAL",
    syncStatus: "SUCCESSFUL",
    hasNewData: true,
  };
  const event = "mono.events.account_updated";
  t.deepEqual(
    read({
      event,
      eventId: "e1",
      data: {
        account: { id: ACCOUNT },
        meta: { dataStatus: "partial", syncStatus: "Successful", jobId: JOB, hasNewData: true },
      },
    }),
    expected,
  );
  t.deepEqual(
    read({
      event,
      event_id: "e1",
      data: {
        account: { _id: ACCOUNT },
        meta: { data_status: "PARTIAL", sync_status: "SUCCESSFUL", job_id: JOB, has_new_data: "true" },
      },
    }),
    expected,
  );
});

test("a field that is not as documented is left out, and the event stays", (t) => {
  t.deepEqual(
    read({
      event: "pay 0100000062",
      event_id: { $ne: null },
      timestamp: "yesterday",
      data: { account: ["0100000062"], status: 7, meta: { job_id: "a b", data_status: "+234", has_new_data: "maybe" } },
    }),
    { event: "unnamed" },
  );
  t.deepEqual(read({ event: "mono.x", data: null }), { event: "mono.x" });
  for (const body of [null, [], "x", {}, { event: 7 }]) t.is(readMonoEvent(body), null);
});

test("whatever comes, what is kept fits the table's checks", (t) => {
  const word = /^[\w-]{1,100}$/;
  fc.assert(
    fc.property(fc.record({ event: fc.string(), event_id: fc.anything(), data: fc.anything() }), (body) => {
      const kept = readMonoEvent(body);
      if (kept === null) return false;
      const ids = [kept.eventId, kept.providerAccountId, kept.jobId].filter((id) => id !== undefined);
      return /^[A-Za-z_.]{1,100}$/.test(kept.event) && ids.every((id) => word.test(id));
    }),
  );
  t.pass();
});
