import type { Pool } from "pg";
import { z } from "zod";
import { ProviderError } from "../../tasks/@http/errors.ts";
import type { SyncStep } from "../../tasks/@sync/platform.ts";
import type { Mutation } from "./stepped.ts";
import type { Invariant } from "./violation.ts";

/** A bug somebody could write, and the invariants of which one must break. */
export type PlantedBug = { name: string; breaks: readonly Invariant[]; mutation: Mutation };

/** A mutation that no longer finds what it changes would plant nothing, and its test would prove nothing. */
class MutationMissedError extends Error {
  override readonly name = "MutationMissedError";

  constructor(what: string) {
    super(`the text that this mutation changes is not there: ${what}`);
  }
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: "drop the fence: pages are saved under any lease",
    breaks: ["fence"],
    mutation: {
      inDatabase: both(
        replaceIn("judge_pages", ` and s.run_id = r."runId" and s.epoch = r.epoch and s.held_by is not null`, ""),
        replaceIn("save_transactions", " and s.run_id = p.run_id and s.epoch = p.epoch and s.held_by is not null", ""),
      ),
    },
  },
  {
    name: "drop the fence: a run closes whatever run is open",
    breaks: ["fence", "double_run", "closed_run", "last_synced_at"],
    mutation: {
      inDatabase: replaceIn("lock_runs", `and r."runId" = s.run_id and r.epoch = s.epoch`, ""),
    },
  },
  {
    name: "a run begins under the epoch of the one before",
    breaks: ["double_run"],
    mutation: {
      inDatabase: replaceIn("begin_syncs", "epoch = s.epoch + 1", "epoch = s.epoch"),
    },
  },
  {
    name: "skip the overlap: today counts as complete",
    breaks: ["coverage", "missing", "duplicated", "different"],
    mutation: { inDatabase: replaceIn("judge_pages", "- j.overlap_days + 1", "+ 1") },
  },
  {
    name: "advance coverage before saving",
    breaks: ["coverage", "missing"],
    mutation: {
      inPlatform: (steps, owner) =>
        async function* (account, context) {
          for await (const step of steps(account, context)) {
            if (step.kind === "page" && step.page === 1) await settle(owner, account.accountId, step);
            yield step;
          }
        },
    },
  },
  {
    name: "ignore a page: the second of a window is not told",
    breaks: ["coverage", "missing"],
    mutation: {
      inPlatform: (steps) =>
        async function* (account, context) {
          for await (const step of steps(account, context)) {
            if (step.kind === "page" && step.page === 2) yield { ...step, rows: [] };
            else yield step;
          }
        },
    },
  },
  {
    name: "count a 429 as success",
    breaks: ["honesty"],
    mutation: {
      inPlatform: (steps) =>
        async function* (account, context) {
          try {
            yield* steps(account, context);
          } catch (error) {
            if (!(error instanceof ProviderError && error.status === 429)) throw error;
          }
        },
    },
  },
  {
    name: "a failed run moves last_synced_at",
    breaks: ["last_synced_at"],
    mutation: {
      inDatabase: replaceIn(
        "record_sync_failures",
        "set last_sync_attempt = l.sync_started_at,",
        "set last_sync_attempt = l.sync_started_at, last_synced_at = v_now,",
      ),
    },
  },
  {
    name: "an incoherent window counts as complete",
    breaks: ["coverage", "missing", "duplicated"],
    mutation: {
      inPlatform: (steps) =>
        async function* (account, context) {
          for await (const step of steps(account, context)) {
            if (step.kind !== "page") yield step;
            else yield { ...step, complete: { ids: step.rows.map((row) => row.id), settles: true } };
          }
        },
    },
  },
  {
    name: "a removed row stays",
    breaks: ["coverage", "duplicated"],
    mutation: { inDatabase: replaceIn("save_page", "set status = 'removed',", "set status = t.status,") },
  },
  {
    name: "the dead are not buried",
    breaks: ["stuck"],
    mutation: { inDatabase: replaceIn("reclaim_runs", "where s.held_by = any (p_workers)", "where false") },
  },
  {
    name: "an account in error is not tried again",
    breaks: ["stuck"],
    mutation: {
      inDatabase: replaceIn(
        "enqueue_due_syncs",
        "where s.platform_source = p_platform",
        "where s.platform_source = p_platform and s.last_failure_kind is distinct from 'auth_required'",
      ),
    },
  },
];

async function settle(owner: Pool, accountId: string, { window }: Extract<SyncStep, { kind: "page" }>): Promise<void> {
  await owner.query(
    `update app_private.coverage
     set settled = settled + datemultirange(daterange($3, greatest($3::date, $4::date - 2)))
     where account_id = $1 and source::text = $2`,
    [accountId, window.source, window.from, window.to],
  );
}

const definition = z.tuple([z.object({ text: z.string() })]);

/** A promise that two places keep is broken in both. */
function both(...changes: ((owner: Pool) => Promise<void>)[]): (owner: Pool) => Promise<void> {
  return async (owner) => {
    for (const change of changes) await change(owner);
  };
}

function replaceIn(name: string, from: string, to: string): (owner: Pool) => Promise<void> {
  return async (owner) => {
    const { rows } = await owner.query(
      "select pg_get_functiondef(p.oid) as text from pg_proc p where p.pronamespace = 'app_private'::regnamespace and p.proname = $1",
      [name],
    );
    const [{ text }] = definition.parse(rows);
    if (!text.includes(from)) throw new MutationMissedError(`${from} in ${name}`);
    await owner.query(text.replaceAll(from, to));
  };
}
