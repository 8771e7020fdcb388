import test from "ava";
import { array, assert, integer, nat, property } from "fast-check";
import { SlidingWindowLimiter } from "./rate_limit.ts";

test("refuses and counts what comes too early, and says when to come back", (t) => {
  const limiter = new SlidingWindowLimiter({ limit: 2, windowMs: 1_000 });
  t.true(limiter.take(0).allowed);
  t.true(limiter.take(400).allowed);
  t.deepEqual(limiter.take(900), { allowed: false, retryAfterMs: 100 });
  t.is(limiter.breaches, 1);
  t.true(limiter.take(1_000).allowed);
  t.deepEqual(limiter.take(1_000), { allowed: false, retryAfterMs: 400 });
});

test("without a limit nothing is a breach", (t) => {
  const limiter = new SlidingWindowLimiter(null);
  for (let i = 0; i < 1_000; i += 1) t.true(limiter.take(0).allowed);
  t.is(limiter.breaches, 0);
});

test("whatever arrives, no window ever holds more than the limit", (t) => {
  assert(
    property(array(nat(300), { maxLength: 60 }), integer({ min: 1, max: 5 }), (gaps, limit) => {
      const limiter = new SlidingWindowLimiter({ limit, windowMs: 500 });
      let now = 0;
      const allowed: number[] = [];
      for (const gap of gaps) {
        now += gap;
        if (limiter.take(now).allowed) allowed.push(now);
      }
      return allowed.every((from) => allowed.filter((at) => at >= from && at < from + 500).length <= limit);
    }),
  );
  t.pass();
});
