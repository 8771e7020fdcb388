/** What the simulator's own tests see of it: a simulator with a clock that stands still, and plain calls to it. */
import type { ExecutionContext } from "ava";
import { z } from "zod";
import { startMonoSimulator, type MonoSimulator, type MonoSimulatorOptions } from "./simulator.ts";

/** 10 October 2026, 10:00 in Lagos. */
export const NOON_ISH = Date.parse("2026-10-10T09:00:00.000Z");
export const MINUTE = 60_000;
export const DAY = 86_400_000;

export const row = z.looseObject({
  id: z.string(),
  amount: z.int(),
  type: z.enum(["credit", "debit"]),
  narration: z.string().nullable(),
  category: z.string().nullable(),
  balance: z.int().nullable(),
  date: z.string(),
});

export const pageOf = z.looseObject({
  status: z.literal("successful"),
  data: z.array(row),
  meta: z.object({ total: z.int(), page: z.int(), previous: z.string().nullable(), next: z.string().nullable() }),
});

export type Row = z.output<typeof row>;

export async function startForTest(
  t: ExecutionContext,
  options: Partial<MonoSimulatorOptions> = {},
): Promise<MonoSimulator> {
  const simulator = await startMonoSimulator({ seed: 1, now: () => NOON_ISH, ...options });
  t.teardown(() => simulator.close());
  return simulator;
}

export type Answer = { status: number; headers: Headers; body: unknown };

/** A call with the right key, unless `headers` say otherwise. */
export async function call(
  simulator: MonoSimulator,
  path: string,
  init: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer> {
  const response = await fetch(simulator.url + path, {
    method: init.method ?? "GET",
    headers: { "mono-sec-key": simulator.secretKey, ...init.headers },
    redirect: "manual",
    ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
  });
  const text = await response.text();
  const body: unknown = response.headers.get("content-type")?.startsWith("application/json") ? JSON.parse(text) : text;
  return { status: response.status, headers: response.headers, body };
}

/** All pages of a window, followed by number as a right client does. */
export async function readPages(simulator: MonoSimulator, account: string, query = ""): Promise<Row[]> {
  const rows: Row[] = [];
  for (let page = 1; ; page += 1) {
    const { body } = await call(simulator, `/v2/accounts/${account}/transactions?limit=100&page=${page}${query}`);
    const parsed = pageOf.parse(body);
    rows.push(...parsed.data);
    if (parsed.meta.next === null) return rows;
  }
}

/** `x-realtime`, and what the headers said. */
export async function refresh(
  simulator: MonoSimulator,
  account: string,
  what: "transactions" | "balance" = "transactions",
): Promise<{ jobId: string | null; status: string | undefined; news: string | null; body: unknown }> {
  const answer = await call(simulator, `/v2/accounts/${account}/${what}`, { headers: { "x-realtime": "true" } });
  return {
    jobId: answer.headers.get("x-job-id"),
    status: answer.headers.get("x-job-status")?.toLowerCase(),
    news: answer.headers.get("x-has-new-data"),
    body: answer.body,
  };
}
