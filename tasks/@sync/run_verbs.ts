import type { Queryable } from "../../db/queryable.ts";
import { saveTransactions, type Saved, type SavedPage } from "../../db/queries/pages.ts";
import {
  beginSyncs,
  type BeginRequest,
  type Begun,
  type Failure,
  type Finish,
  finishSyncs,
  type PlatformSource,
  recordSyncFailures,
  resumeSyncs,
  type Suspension,
  suspendSyncs,
  type Written,
} from "../../db/queries/runs.ts";
import { coalesce } from "./coalesce.ts";

/** Which pool begins a run, for which platform: a call of begin_syncs speaks for one of each. */
export type Beginner = { platform: PlatformSource; worker: string };

/**
 * The verbs of a run, each for one account. They throw what their SQL functions raise, and what the connection does.
 */
export type RunVerbs = {
  /** A job that may run is under way, until the answered function is called: its verbs are worth waiting for. */
  enter: () => () => void;
  begin: (request: Beginner & BeginRequest) => Promise<Begun>;
  resume: (request: Beginner & { accountId: string; runId: string }) => Promise<Begun>;
  save: (page: SavedPage) => Promise<Saved>;
  finish: (run: Finish) => Promise<Written>;
  fail: (failure: Failure) => Promise<Written>;
  suspend: (run: Suspension) => Promise<Written>;
};

/** Runs in one call. The larger it is, the longer its leases are locked while the others wait. */
const MOST_RUNS = 100;

/** Rows and ids in one call of save_transactions, a few milliseconds' work. A single page may have more. */
const MOST_ROWS = 1_000;

/**
 * The verbs of runs that are under way at the same moment share their calls, which makes a quiet sync much
 * cheaper: scripts/bench/RESULTS.md.
 */
export function coalescedVerbs(db: Queryable): RunVerbs {
  let underWay = 0;
  // Whoever else is under way may soon want the same: half of them make a call worth its cost, and 10 ms are the limit.
  const byRun = { keyOf: lowerCaseId, most: MOST_RUNS, worthwhile: () => underWay / 2 };
  const byBeginner = { ...byRun, groupOf: ({ platform, worker }: Beginner) => `${platform} ${worker}` };
  return {
    enter() {
      underWay += 1;
      return () => {
        underWay -= 1;
      };
    },
    begin: coalesce<Beginner & BeginRequest, Begun>({
      ...byBeginner,
      call: (requests) => askedBy(db, beginSyncs, requests),
      isUrgent: ({ trigger }) => trigger === "user",
    }),
    resume: coalesce<Beginner & { accountId: string; runId: string }, Begun>({
      ...byBeginner,
      call: (requests) => askedBy(db, resumeSyncs, requests),
    }),
    save: coalesce<SavedPage, Saved>({
      ...byRun,
      call: (pages) => saveTransactions(db, pages),
      weightOf: ({ rows, complete }) => 1 + rows.length + (complete?.ids.length ?? 0),
      heaviest: MOST_ROWS,
      // New rows are Postgres's work: with one lane one session did all of it (11,000 new rows a second; with two, 18,000). The
      // third has work for both cores while another waits for its commit (1.80 of two cores in use, by 64 runs; with two, 1.74).
      lanes: 3,
    }),
    finish: coalesce<Finish, Written>({ ...byRun, call: (runs) => finishSyncs(db, runs) }),
    fail: coalesce<Failure, Written>({ ...byRun, call: (failures) => recordSyncFailures(db, failures) }),
    suspend: coalesce<Suspension, Written>({ ...byRun, call: (runs) => suspendSyncs(db, runs) }),
  };
}

/** Those who share a call have one beginner. The two verbs answer in an order of their own. */
async function askedBy<Request extends { accountId: string }>(
  db: Queryable,
  verb: (db: Queryable, platform: PlatformSource, worker: string, requests: Request[]) => Promise<Begun[]>,
  requests: (Request & Beginner)[],
): Promise<Begun[]> {
  const [first] = requests;
  if (first === undefined) return [];
  const answers = await verb(db, first.platform, first.worker, requests);
  const byAccount = new Map(answers.map((answer) => [answer.account_id, answer]));
  return requests.flatMap((request) => byAccount.get(lowerCaseId(request)) ?? []);
}

/** As Postgres writes a uuid, and orders them. A job that somebody added may write it otherwise. */
const lowerCaseId = ({ accountId }: { accountId: string }): string => accountId.toLowerCase();
