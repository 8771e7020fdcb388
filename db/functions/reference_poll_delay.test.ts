import test from "ava";
import { listOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";

test(
  "the table: ever less often, never less than daily",
  withDb(async (t, db) => {
    const delays = await listOf(
      db,
      "select app_private.reference_poll_delay(polls) from unnest(array[-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1000]) as polls",
    );
    t.deepEqual(delays, [
      "00:00:30",
      "00:00:30",
      "00:01:00",
      "00:02:00",
      "00:05:00",
      "00:10:00",
      "00:30:00",
      "01:00:00",
      "06:00:00",
      "24:00:00",
      "24:00:00",
      "24:00:00",
    ]);
  }),
);
