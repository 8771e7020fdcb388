import test from "ava";
import { rowsOf, valueOf } from "../../db/testing/ask.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { openStage } from "./stage.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
const START = Date.parse("2026-03-02T09:00:00Z");

test(
  "a bank that is down is one incident, probed by one account, and no other bank waits for it",
  withClonedDb(async (t, cloned) => {
    const stage = await openStage({ databaseUrl: cloned.url, seed: t.title, startAt: START });
    try {
      const link = async (bankCode: string, many: number): Promise<string[]> => {
        const ids: string[] = [];
        for (let nth = 0; nth < many; nth += 1) {
          const settings = { institution: bankCode, historyDays: 10, perWeek: 5, lateShare: 0 };
          ids.push((await stage.linkBank(settings, { historyDays: 10, institutionCode: bankCode })).accountId);
        }
        return ids;
      };
      const sick = await link("058", 8);
      const healthy = await link("044", 2);
      await stage.drain();
      const lastRuns = (ids: string[]) =>
        rowsOf(
          stage.owner,
          `select l.status::text, count(*)::int from unnest($1::uuid[]) as a (id)
           cross join lateral (select status from app_public.sync_logs where account_id = a.id order by id desc limit 1) l
           group by 1 order by 1`,
          [ids],
        );
      t.deepEqual(await lastRuns([...sick, ...healthy]), [{ status: "success", count: 10 }]);
      const runsOf = (ids: string[]) =>
        valueOf(stage.owner, "select count(*)::int from app_public.sync_logs where account_id = any ($1)", [ids]);
      const incidents = () =>
        rowsOf(
          stage.owner,
          "select institution_code, closed_at is not null as closed from app_private.incidents order by opened_at",
        );

      stage.mono.setInstitution("058", { down: true });
      await stage.advance(4 * DAY);
      await stage.drain();
      t.deepEqual(await incidents(), [{ institution_code: "058", closed: false }]);
      t.deepEqual(await lastRuns(healthy), [{ status: "success", count: 2 }]);
      const before = Number(await runsOf(sick));
      t.is(before, 8 + 5, "five failures open the breaker, and the other three are not tried");

      for (const minutes of [1.1, 2.1]) {
        await stage.advance(minutes * MINUTE);
        await stage.drain();
      }
      t.is(Number(await runsOf(sick)) - before, 2, "one probe a time");
      t.is((await incidents()).length, 1);
      t.is(
        await valueOf(stage.owner, "select count(*)::int from app_private.auth_episodes"),
        0,
        "and nobody is asked to log in again for it",
      );

      stage.mono.setInstitution("058", { down: false });
      for (let minutes = 0; minutes < 12; minutes += 1) {
        await stage.advance(MINUTE);
        await stage.drain();
      }
      t.deepEqual(await incidents(), [{ institution_code: "058", closed: true }]);
      t.deepEqual(await lastRuns(sick), [{ status: "success", count: 8 }]);
    } finally {
      await stage.close();
    }
  }),
);
