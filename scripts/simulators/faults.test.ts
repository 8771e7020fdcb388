import test from "ava";
import { type FaultKind, faultKinds, Faults, HUGE_BODY_BYTES, type Refusals } from "./faults.ts";
import { json, type Reply, type SimulatorRequest } from "./http.ts";

const request = (path: string, method = "GET"): SimulatorRequest => ({
  method,
  path,
  query: new URLSearchParams(),
  headers: {},
  params: {},
  route: `${method} ${path}`,
  body: undefined,
  rawBody: "",
  bytes: Buffer.alloc(0),
  ordinal: 1,
});

const refusals: Refusals = { "429": () => json(429, {}), "500": () => json(500, {}), "503": () => json(503, {}) };

const newFaults = (): Faults => new Faults({ ...refusals, "401": () => json(401, {}), "403": () => json(403, {}) });

const truth = { name: "Ama", count: 3, list: [true] };

test("a fault spoils only what fits, as often as told, and lets the first ones through", async (t) => {
  const faults = newFaults();
  faults.add({ match: { path: "/pay", method: "POST" }, kind: "503", times: 2, after: 1 });
  const statuses: number[] = [];
  for (const [path, method] of [
    ["/pay", "POST"],
    ["/pay", "GET"],
    ["/other", "POST"],
    ["/pay/1", "POST"],
    ["/pay/2", "POST"],
    ["/pay/3", "POST"],
  ] as const) {
    statuses.push((await faults.answer(request(path, method), () => json(200, truth))).status);
  }
  t.deepEqual(statuses, [200, 200, 200, 503, 503, 200]);
  t.deepEqual(faults.report(), { pending: [], injected: { "503": 2 } });
});

test("each kind does what it says, and only some let the request take effect", async (t) => {
  const seen: Record<string, { reply: Reply; effects: number }> = {};
  for (const kind of faultKinds) {
    const faults = newFaults();
    faults.add({ kind, delayMs: 7 });
    let effects = 0;
    const reply = await faults.answer(request("/x"), () => {
      effects += 1;
      return json(200, truth);
    });
    seen[kind] = { reply, effects };
  }
  const of = (kind: FaultKind): { reply: Reply; effects: number } => {
    const found = seen[kind];
    if (found === undefined) throw new Error(kind);
    return found;
  };
  const effective = faultKinds.filter((kind) => of(kind).effects === 1);
  t.deepEqual(effective, [
    "lost_answer",
    "cut_midway",
    "slow",
    "malformed",
    "wrong_type",
    "null_data",
    "reordered",
    "repeated_row",
    "repeated_page",
  ]);
  for (const status of ["401", "403", "429", "500", "503"] as const) t.is(of(status).reply.status, Number(status));
  t.is(of("429_retry_after").reply.headers?.["retry-after"], "1");
  t.is(of("cut").reply.wire, "cut_before");
  t.is(of("lost_answer").reply.wire, "cut_before");
  t.is(of("cut_midway").reply.wire, "cut_midway");
  t.is(of("hang").reply.wire, "hang");
  t.is(of("slow").reply.delayMs, 7);
  t.is(of("slow").reply.body, JSON.stringify(truth));
  t.throws(() => void JSON.parse(String(of("malformed").reply.body)), { instanceOf: SyntaxError });
  t.deepEqual(JSON.parse(String(of("wrong_type").reply.body)), {
    name: ["Ama"],
    count: "3 units",
    list: { items: [{ value: true }] },
  });
  t.is(of("huge").reply.body.length, HUGE_BODY_BYTES);
  t.notThrows(() => void JSON.parse(String(of("huge").reply.body)));
  t.is(of("empty").reply.body, "");
  t.is(of("null").reply.body, "null");
  t.regex(String(of("html").reply.body), /^<html>/);
});

test("clear forgets what was queued", async (t) => {
  const faults = newFaults();
  faults.add({ kind: "500" });
  faults.clear();
  t.is((await faults.answer(request("/x"), () => json(200, truth))).status, 200);
});

test("a fault may be meant for a pattern or for one segment of the path", async (t) => {
  const faults = newFaults();
  faults.add({ match: { segment: "7" }, kind: "500" });
  faults.add({ match: { pattern: "/jobs/[0-9]+$" }, kind: "503" });
  const statuses: number[] = [];
  for (const path of ["/accounts/77", "/jobs/8/x", "/jobs/8", "/accounts/7/balance"]) {
    statuses.push((await faults.answer(request(path), () => json(200, truth))).status);
  }
  t.deepEqual(statuses, [200, 200, 503, 500]);
  t.throws(() => faults.add({ match: { pattern: "(" }, kind: "500" }), { message: /regular expression/ });
});

const spoiled = async (kind: FaultKind, answer: unknown): Promise<unknown> => {
  const faults = newFaults();
  faults.add({ kind });
  return JSON.parse(String((await faults.answer(request("/x"), () => json(200, answer))).body));
};

test("the kinds that spoil a list leave the rest of the answer alone", async (t) => {
  const list = { status: "ok", data: [1, 2] };
  t.deepEqual(await spoiled("null_data", list), { status: "ok", data: null });
  t.deepEqual(await spoiled("reordered", list), { status: "ok", data: [2, 1] });
  t.deepEqual(await spoiled("repeated_row", list), { status: "ok", data: [1, 1, 2] });
  t.deepEqual(await spoiled("repeated_row", truth), truth);
});

test("a refusal that the provider does not have cannot be queued", (t) => {
  t.throws(() => new Faults(refusals).add({ kind: "401" }), { instanceOf: RangeError });
  t.notThrows(() => newFaults().add({ kind: "401" }));
});

test("a plan is asked for what no queued fault takes", async (t) => {
  const faults = newFaults();
  faults.follow(({ path }) => (path === "/odd" ? { kind: "500" } : null));
  faults.add({ match: { path: "/odd" }, kind: "503" });
  const statuses: number[] = [];
  for (const path of ["/odd", "/odd", "/even"]) {
    statuses.push((await faults.answer(request(path), () => json(200, truth))).status);
  }
  t.deepEqual(statuses, [503, 500, 200]);
  t.deepEqual(faults.report().injected, { "503": 1, "500": 1 });
});

test("a page comes again as the next one, only where it was the last to be served of that list", async (t) => {
  const faults = newFaults();
  const page = async (number: number, account = "a", name = "page"): Promise<unknown> => {
    const asked = { ...request(`/${account}`), query: new URLSearchParams({ [name]: String(number), from: "1" }) };
    const reply = await faults.answer(asked, () => json(200, { data: [account, number], page: number }));
    return JSON.parse(reply.body.toString());
  };
  for (const name of ["page", "pageNum"]) {
    await page(1, "a", name);
    await page(1, "b", name);
    faults.add({ kind: "repeated_page", times: 3 });
    t.deepEqual(await page(2, "a", name), { data: ["a", 1], page: 2 });
    t.deepEqual(await page(1, "a", name), { data: ["a", 1], page: 1 });
    t.deepEqual(await page(3, "b", name), { data: ["b", 3], page: 3 });
  }
});
