import test from "ava";
import fc from "fast-check";
import type { IncomingTransaction, Window } from "./platform.ts";
import {
  type MappedRow,
  type PageStep,
  PagingError,
  readWindow,
  type WindowPage,
  WindowUnstableError,
} from "./read_window.ts";

const window: Window = { source: "mono", from: "2026-01-01", to: "2026-01-31" };

function transaction(id: string, occurredOn = "2026-01-10"): IncomingTransaction {
  return {
    id,
    status: "posted",
    direction: "debit",
    amount: "1.00",
    currency: "NGN",
    occurredAt: `${occurredOn}T10:00:00.000Z`,
    occurredOn,
    narration: null,
    category: null,
    balanceAfter: null,
    counterparty: null,
  };
}

const row = (id: string): MappedRow => ({ ok: true, transaction: transaction(id) });
const nameless: MappedRow = { ok: false, refused: "missing_id", id: null };
const inexact = (id: string): MappedRow => ({ ok: false, refused: "inexact_amount", id });

/** Serves a list that a script may change before each request. */
function pagesOf(list: () => MappedRow[], size: number, before: (request: number) => void = () => undefined) {
  let requests = 0;
  return (page: number): Promise<WindowPage> => {
    requests += 1;
    before(requests);
    const rows = list();
    const isLast = page * size >= rows.length;
    return Promise.resolve({
      rows: rows.slice((page - 1) * size, page * size),
      total: rows.length,
      nextPage: isLast ? null : page + 1,
    });
  };
}

async function read(fetchPage: (page: number) => Promise<WindowPage>, options = {}): Promise<PageStep[]> {
  return Array.fromAsync(readWindow(window, fetchPage, { settles: true, ...options }));
}

test("pages are told as they come, and the last one completes the window", async (t) => {
  const steps = await read(pagesOf(() => ["a", "b", "c"].map(row), 2));
  t.deepEqual(
    steps.map(({ page, rows }) => [page, rows.map(({ id }) => id)]),
    [
      [1, ["a", "b"]],
      [2, ["c"]],
    ],
  );
  t.is(steps[0]?.complete, null);
  t.deepEqual(steps[1]?.complete, { ids: ["a", "b", "c"], settles: true });
});

test("an empty window is complete in one page", async (t) => {
  const steps = await read(
    pagesOf(() => [], 2),
    { settles: false },
  );
  t.deepEqual(steps, [{ kind: "page", window, page: 1, rows: [], refused: [], complete: { ids: [], settles: false } }]);
});

test("no page is asked for once the total is reached, whatever the provider says of a next one", async (t) => {
  let requests = 0;
  const steps = await read((page) => {
    requests += 1;
    return Promise.resolve({ rows: [row("a")], total: 1, nextPage: page });
  });
  t.is(requests, 1);
  t.truthy(steps.at(-1)?.complete);
});

test("a list that grows, shrinks or slides while it is read is read again from its first page", async (t) => {
  const changes: [string, (list: MappedRow[]) => void][] = [
    ["a row appears on top", (list) => void list.unshift(row("new"))],
    ["a row of the first page goes", (list) => void list.shift()],
    ["a row of the last page goes", (list) => void list.pop()],
    ["one goes at the end as another comes on top", (list) => void (list.pop(), list.unshift(row("new")))],
  ];
  for (const [what, change] of changes) {
    const list = ["a", "b", "c", "d", "e"].map(row);
    const steps = await read(
      pagesOf(
        () => list,
        2,
        (request) => void (request === 2 && change(list)),
      ),
    );
    t.true(steps.filter(({ page }) => page === 1).length >= 2, what);
    const ids = list.map((each) => (each.ok ? each.transaction.id : "")).toSorted();
    t.deepEqual(steps.at(-1)?.complete?.ids.toSorted(), ids, what);
  }
});

test("a list that never holds still is given up after five new beginnings", async (t) => {
  const list = ["a", "b", "c"].map(row);
  let added = 0;
  const fetchPage = pagesOf(
    () => list,
    2,
    (request) => void (request % 2 === 0 && list.unshift(row(`n${(added += 1)}`))),
  );
  await t.throwsAsync(read(fetchPage), { instanceOf: WindowUnstableError });
  t.is(added, 6);
});

test("a row twice on one page counts once, so that the window does not complete", async (t) => {
  const page = { rows: [row("a"), row("a")], total: 2, nextPage: null };
  await t.throwsAsync(
    read(() => Promise.resolve(page)),
    { instanceOf: WindowUnstableError },
  );
});

test("a total that the rows do not bear out is not believed, in either direction", async (t) => {
  const pages: WindowPage[] = [
    { rows: [row("a")], total: 3, nextPage: null },
    { rows: [row("a"), row("b"), row("c")], total: 2, nextPage: 2 },
    { rows: [row("a"), row("b"), row("c")], total: 2, nextPage: null },
    { rows: [row("a"), row("a")], total: 1, nextPage: null },
  ];
  for (const page of pages) {
    const told: PageStep[] = [];
    const reading = async () => {
      for await (const step of readWindow(window, () => Promise.resolve(page), { settles: true })) told.push(step);
    };
    await t.throwsAsync(reading, { instanceOf: WindowUnstableError });
    t.deepEqual(told, []);
  }
});

test("a row that is posted at the list's end, just as its old end is reached, is not left out", async (t) => {
  const list = ["a", "b", "c", "d"].map(row);
  const steps = await read(
    pagesOf(
      () => list,
      2,
      (request) => void (request === 2 && list.push(row("late"))),
    ),
  );
  t.deepEqual(steps.at(-1)?.complete?.ids, ["a", "b", "c", "d", "late"]);
});

test("refused rows count towards the total, and their ids are kept", async (t) => {
  const steps = await read(pagesOf(() => [row("a"), nameless, nameless, inexact("x"), row("b")], 10));
  t.is(steps.length, 1);
  t.deepEqual(steps[0]?.refused, ["missing_id", "missing_id", "inexact_amount"]);
  t.deepEqual(steps[0]?.complete?.ids, ["a", "x", "b"]);
});

test("rows without an id on several pages complete only what reads the same twice", async (t) => {
  let requests = 0;
  const list = [row("a"), nameless, row("b"), nameless, row("c")];
  const steps = await read(
    pagesOf(
      () => list,
      2,
      () => void (requests += 1),
    ),
  );
  t.is(requests, 6);
  t.deepEqual(steps.at(-1)?.complete?.ids, ["a", "b", "c"]);
});

test("a nameless row that slides over a page's edge does not stand in for one that was missed", async (t) => {
  const list = [row("a"), nameless, row("b"), row("c")];
  const slide = (request: number) => {
    if (request !== 2) return;
    list.pop();
    list.unshift(row("n"));
  };
  const steps = await read(pagesOf(() => list, 2, slide));
  t.deepEqual(steps.at(-1)?.complete?.ids.toSorted(), ["a", "b", "n"]);
});

test("rows of other days count, and are not told", async (t) => {
  const before: MappedRow = { ok: true, transaction: transaction("early", "2025-12-31") };
  const after: MappedRow = { ok: true, transaction: transaction("late", "2026-02-01") };
  const steps = await read(pagesOf(() => [after, row("a"), before], 10));
  t.deepEqual(
    steps[0]?.rows.map(({ id }) => id),
    ["a"],
  );
  t.deepEqual(steps[0]?.complete?.ids, ["late", "a", "early"]);
});

test("without a total, pages are told and nothing is complete", async (t) => {
  const steps = await read((page) =>
    Promise.resolve({ rows: [row(`r${page}`)], total: null, nextPage: page < 3 ? page + 1 : null }),
  );
  t.is(steps.length, 3);
  t.true(steps.every(({ complete }) => complete === null));
});

test("page numbers that go in circles, skip or never end are refused", async (t) => {
  for (const nextPage of [1, 0, -1, 3]) {
    const fetchPage = () => Promise.resolve({ rows: [row("a")], total: 9, nextPage });
    await t.throwsAsync(read(fetchPage), { instanceOf: PagingError }, String(nextPage));
  }
  const noTotal = { total: null };
  const endless = (page: number) => Promise.resolve({ rows: [row(`r${page}`)], nextPage: page + 1, ...noTotal });
  await t.throwsAsync(read(endless, { maxPages: 20 }), { instanceOf: PagingError });
});

test("an empty page in the middle does not end in completion", async (t) => {
  const first = [row("a")];
  const fetchPage = (page: number) => Promise.resolve({ rows: page === 1 ? first : [], total: 3, nextPage: page + 1 });
  await t.throwsAsync(read(fetchPage), { instanceOf: WindowUnstableError });
});

test("what the provider throws comes through", async (t) => {
  await t.throwsAsync(
    read(() => Promise.reject(new Error("gone"))),
    { message: "gone" },
  );
});

type Change = { at: number; remove: boolean; index: number };

test("whenever a window completes, it holds exactly the list as it is, however the list shifted before", async (t) => {
  const change: fc.Arbitrary<Change> = fc.record({
    at: fc.integer({ min: 1, max: 12 }),
    remove: fc.boolean(),
    index: fc.nat(30),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.nat(20),
      fc.integer({ min: 1, max: 5 }),
      fc.array(change, { maxLength: 4 }),
      async (length, size, changes) => {
        const list = Array.from({ length }, (_, index) => `r${index}`);
        let added = 0;
        const history = [list.join()];
        const fetchPage = pagesOf(
          () => list.map(row),
          size,
          (request) => {
            for (const { at, remove, index } of changes) {
              if (at !== request) continue;
              if (remove) list.splice(index % (list.length + 1), 1);
              else list.unshift(`n${(added += 1)}`);
              history.push(list.join());
            }
          },
        );
        const told = new Set<string>();
        let complete: string[] | null = null;
        try {
          for await (const step of readWindow(window, fetchPage, { settles: true, restarts: 12 })) {
            if (step.page === 1) told.clear();
            for (const { id } of step.rows) told.add(id);
            if (step.complete !== null) complete = step.complete.ids;
          }
        } catch (error) {
          return error instanceof WindowUnstableError;
        }
        if (complete === null || complete.length !== told.size || !complete.every((id) => told.has(id))) return false;
        // A row that goes from a page already read, in the same moment as one comes on top, shows in no number that a
        // provider gives. Everything else does: what is complete lacks nothing but rows newer than the first page.
        return history.some((then) => {
          const rows = then === "" ? [] : then.split(",");
          return rows.every((id) => told.has(id) || id.startsWith("n"));
        });
      },
    ),
    { numRuns: 500 },
  );
  t.pass();
});

/** Answers each page when it is told to. */
function pagesByHand(pages: number) {
  const asked: number[] = [];
  const answers = Array.from({ length: pages }, () => Promise.withResolvers<WindowPage>());
  return {
    asked,
    fetchPage: (page: number): Promise<WindowPage> => {
      asked.push(page);
      return answers[page - 1]?.promise ?? Promise.reject(new Error(`page ${page} was not to be asked for`));
    },
    answer: (page: number): void =>
      answers[page - 1]?.resolve({
        rows: [row(`row ${page}`)],
        total: pages,
        nextPage: page === pages ? null : page + 1,
      }),
    refuse: (page: number, error: Error): void => answers[page - 1]?.reject(error),
  };
}

test("the next page is asked for while the one before it is taken care of, and none after the last", async (t) => {
  const byHand = pagesByHand(3);
  const steps = readWindow(window, byHand.fetchPage, { settles: true });
  byHand.answer(1);
  t.is((await steps.next()).value?.page, 1);
  t.deepEqual(byHand.asked, [1, 2]);
  byHand.answer(2);
  t.is((await steps.next()).value?.page, 2);
  t.deepEqual(byHand.asked, [1, 2, 3]);
  byHand.answer(3);
  t.deepEqual((await steps.next()).value?.complete?.ids, ["row 1", "row 2", "row 3"]);
  t.true((await steps.next()).done);
  t.deepEqual(byHand.asked, [1, 2, 3]);
});

test("what the next page throws is thrown when the one before it was taken care of", async (t) => {
  const byHand = pagesByHand(2);
  const steps = readWindow(window, byHand.fetchPage, { settles: true });
  byHand.answer(1);
  byHand.refuse(2, new Error("the provider hung up"));
  t.is((await steps.next()).value?.page, 1);
  await t.throwsAsync(() => steps.next(), { message: "the provider hung up" });
});

test("whoever gives a window up is let go when the page that is on its way has ended", async (t) => {
  const byHand = pagesByHand(2);
  const steps = readWindow(window, byHand.fetchPage, { settles: true });
  byHand.answer(1);
  await steps.next();
  const left = steps.return();
  const first = await Promise.race([left.then(() => "left"), new Promise((resolve) => setImmediate(resolve, "waits"))]);
  t.is(first, "waits");
  byHand.refuse(2, new Error("nobody hears of this"));
  t.true((await left).done);
});
