import test from "ava";
import { runSoak } from "./run_soak.ts";

test("1,500 faults and a kill every 5 s: nothing missing, double or different", async (t) => {
  t.timeout(900_000);
  const { violations, ...numbers } = await runSoak({
    seed: 21,
    accounts: 80,
    faults: 1_500,
    workers: 3,
    killEvery: 5,
    pauseEvery: 40,
    crashes: 2,
    faultRate: 0.3,
    limit: 60,
    say: () => undefined,
  });
  t.log(JSON.stringify(numbers));
  t.deepEqual(violations, []);
  t.like(numbers, { missing: 0, duplicated: 0, different: 0, limit_breaches: 0, stuck_accounts: 0, locked_jobs: 0 });
  t.true((numbers.worst_recovery_s ?? Infinity) < 60 && (numbers.median_recovery_s ?? Infinity) < 30);
  // A kill strikes at the first request that it may after its time has come: how many there are goes by how long it took.
  t.true(numbers.kills > numbers.seconds / 20 && numbers.recovered_runs > 20, `${numbers.kills} kills`);
  t.true(numbers.pauses > 0 && numbers.crashes === 2);
});

test("without a quota of ours the providers count requests above their limit, so that none is worth something", async (t) => {
  t.timeout(300_000);
  const { violations, limit_breaches } = await runSoak({
    seed: 22,
    accounts: 30,
    faults: 40,
    workers: 2,
    killEvery: 0,
    pauseEvery: 0,
    crashes: 0,
    faultRate: 0.1,
    limit: 5,
    quota: null,
    say: () => undefined,
  });
  t.true(limit_breaches > 0);
  t.true(violations.some(({ invariant }) => invariant === "limit"));
});
