import { EventEmitter } from "node:events";
import test from "ava";
import type { WorkerEvents } from "graphile-worker";
import { KnownJobs } from "./known_jobs.ts";

test("a job is named while it runs, and with two beats after its end: its completion may still be on its way", (t) => {
  const emitter = new EventEmitter();
  const events: WorkerEvents = emitter;
  const jobs = new KnownJobs(events);
  t.deepEqual(jobs.name(), []);
  emitter.emit("job:start", { job: { id: "1" } });
  emitter.emit("job:start", { job: { id: "2" } });
  t.deepEqual(jobs.name(), ["1", "2"]);
  emitter.emit("job:complete", { job: { id: "1" } });
  t.deepEqual(jobs.name(), ["2", "1"]);
  t.deepEqual(jobs.name(), ["2", "1"]);
  t.deepEqual(jobs.name(), ["2"]);
});
