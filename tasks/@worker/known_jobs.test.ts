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

test("a job that waits in the local queue is named from the answer that handed it out until it was returned, and again when it comes again", (t) => {
  const emitter = new EventEmitter();
  const events: WorkerEvents = emitter;
  const jobs = new KnownJobs(events);
  const names = () => jobs.name().toSorted();
  emitter.emit("localQueue:getJobs:complete", { jobs: [{ id: "1" }, { id: "2" }, { id: "3" }] });
  t.deepEqual(names(), ["1", "2", "3"]);
  emitter.emit("job:start", { job: { id: "1" } });
  emitter.emit("localQueue:returnJobs", { jobs: [{ id: "2" }, { id: "3" }] });
  t.deepEqual(names(), ["1", "2", "3"], "the return may still be on its way");
  emitter.emit("localQueue:getJobs:complete", { jobs: [{ id: "3" }] });
  t.deepEqual(names(), ["1", "2", "3"]);
  t.deepEqual(names(), ["1", "3"], "what runs or waits stays named, however long");
  emitter.emit("job:complete", { job: { id: "1" } });
  t.deepEqual(names(), ["1", "3"]);
  t.deepEqual(names(), ["1", "3"]);
  t.deepEqual(names(), ["3"]);
});
