import test from "ava";
import { virtualClock } from "./clock.ts";

test("moves are relative to machine time, and listeners hear each of them", (t) => {
  let machine = 1_000;
  const clock = virtualClock(() => machine);
  const heard: number[] = [];
  const stop = clock.onMove(() => heard.push(clock.now()));
  clock.move({ advanceMs: 500 });
  machine = 1_100;
  t.is(clock.now(), 1_600);
  clock.move({ now: 9_000 });
  t.is(clock.now(), 9_000);
  clock.move({ offsetMs: 1 });
  t.is(clock.now(), 1_101);
  stop();
  clock.move({ offsetMs: 0 });
  t.deepEqual(heard, [1_500, 9_000, 1_101]);
});
