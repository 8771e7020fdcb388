import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { getTasks, Logger, parseCrontab, type ParsedCronItem, type TimestampDigest } from "graphile-worker";
import { platformSource } from "../../db/queries/runs.ts";
import { payloads } from "./payloads.ts";
import { cronItemsFor } from "./runners.ts";

const text = await readFile(join(import.meta.dirname, "../../crontab"), "utf8");
const items = parseCrontab(text);

/** Each line, by graphile-worker's identifier, and whether it fires in a minute of the day. Times are UTC, as in the file. */
const schedules: Record<string, (minuteOfDay: number) => boolean> = {
  enqueue_due_mono_syncs: () => true,
  enqueue_due_momo_syncs: () => true,
  unlink_due_accounts: () => true,
  reschedule_accounts: () => true,
  update_statistics: () => true,
  prune: (minuteOfDay) => minuteOfDay === 3 * 60 + 43,
  clean_up: (minuteOfDay) => minuteOfDay % 60 === 17,
  enqueue_due_deliveries: () => true,
  remind_owners: (minuteOfDay) => minuteOfDay % 60 === 47,
};

/** What the payload of a scheduled task must be; a task that takes none is not here. */
const schemas = new Map([["enqueue_due_syncs", payloads.enqueueDueSyncs]]);

/** A moment as graphile-worker hands it to a line. */
const digest = (moment: Date): TimestampDigest => ({
  min: moment.getUTCMinutes(),
  hour: moment.getUTCHours(),
  date: moment.getUTCDate(),
  month: moment.getUTCMonth() + 1,
  dow: moment.getUTCDay(),
});

/** The minutes of a day in which the line fires. */
function minutesOf(item: ParsedCronItem, day: string): number[] {
  const midnight = Date.parse(`${day}T00:00:00Z`);
  return everyMinute.filter((minute) => item.match(digest(new Date(midnight + minute * 60_000))));
}

const everyMinute = Array.from({ length: 1440 }, (_, minute) => minute);

test("every line is known here, and every schedule known here has its line", (t) => {
  t.deepEqual(items.map(({ identifier }) => identifier).toSorted(), Object.keys(schedules).toSorted());
});

// An ordinary day, the last one of February, a Sunday, and both ends of a year.
for (const day of ["2026-03-18", "2028-02-29", "2026-03-29", "2026-12-31", "2027-01-01"]) {
  for (const item of items) {
    test(`${item.identifier} on ${day}`, (t) => {
      const fires = schedules[item.identifier];
      if (fires === undefined) t.fail("a schedule that nobody wrote down here");
      else t.deepEqual(minutesOf(item, day), everyMinute.filter(fires));
    });
  }
}

test("every line names a task that the worker loads, and gives it a payload that fits", async (t) => {
  const logger = new Logger(() => () => {});
  const { tasks } = await getTasks({ logger }, join(import.meta.dirname, ".."));
  for (const { identifier, task, payload } of items) {
    t.is(typeof tasks[task], "function", identifier);
    const schema = schemas.get(task);
    if (schema === undefined) t.is(payload, null, `${identifier} takes nothing`);
    else t.notThrows(() => schema.parse(payload), identifier);
  }
  // The control: what the loader must not take for a task.
  t.deepEqual(
    Object.keys(tasks).filter((name) => /test|@|crontab/.test(name)),
    [],
  );
});

test("every line has its reason above it", (t) => {
  const lines = text.split("\n");
  let reasoned = false;
  for (const line of lines) {
    if (line.trim() === "") reasoned = false;
    else if (line.startsWith("#")) reasoned = true;
    else t.true(reasoned, `a comment is missing above: ${line}`);
  }
});

test("a line that runs late is not run twice: each has a key, and few attempts", (t) => {
  for (const { identifier, options } of items) {
    t.is(options.jobKey, identifier);
    t.is(options.maxAttempts, 3, identifier);
    t.is(options.backfillPeriod, 0, identifier);
  }
});

test("a worker of some platforms keeps their lines, and those of no platform", (t) => {
  const keptBy = (platforms: Parameters<typeof cronItemsFor>[0]) =>
    cronItemsFor(platforms, text).map(({ identifier }) => identifier);
  const general = items.filter(({ payload }) => payload === null).map(({ identifier }) => identifier);
  t.deepEqual(
    keptBy(["mono"]).filter((id) => !general.includes(id)),
    ["enqueue_due_mono_syncs"],
  );
  t.deepEqual(
    keptBy(["mtn_momo"]).filter((id) => !general.includes(id)),
    ["enqueue_due_momo_syncs"],
  );
  t.deepEqual(keptBy([]), general);
  t.deepEqual(
    keptBy(platformSource.options),
    items.map(({ identifier }) => identifier),
  );
  for (const platform of platformSource.options) t.true(general.every((id) => keptBy([platform]).includes(id)));
});

test("every platform is dispatched every minute", (t) => {
  for (const platform of platformSource.options) {
    const line = items.find(({ payload }) => payload?.["platform"] === platform);
    t.is(line?.task, "enqueue_due_syncs", platform);
  }
});
