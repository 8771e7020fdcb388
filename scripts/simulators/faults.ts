/**
 * One-off faults: the next requests that fit are answered wrongly, then all is well again. The one place through
 * which every provider request of a simulator passes (`around` in http.ts) asks here first.
 */
import { z } from "zod";
import { json, type Reply, type SimulatorRequest, text } from "./http.ts";
import { Listings } from "./listings.ts";

export const faultKinds = [
  /** Refusals in the provider's own shape. The request has no effect. */
  "401",
  "403",
  "429",
  /** With a Retry-After of `retryAfterSeconds`. */
  "429_retry_after",
  "500",
  "503",
  /** A proxy's page instead of JSON, with 502. No effect. */
  "html",
  /** The connection dies unanswered, without effect. */
  "cut",
  /** The request takes effect, and the connection dies before the answer: the caller cannot know. */
  "lost_answer",
  /** The true answer breaks off half-way. */
  "cut_midway",
  /** Silence until the caller leaves. No effect. */
  "hang",
  /** The true answer, late (`delayMs`, 5 s of machine time unless told). */
  "slow",
  /** The first half of the true JSON, as if it were all. */
  "malformed",
  /** The true answer with every value of another type. */
  "wrong_type",
  /** 30 MB of well-formed JSON. */
  "huge",
  /** 200 and nothing. */
  "empty",
  /** 200 and `null`. */
  "null",
  /** The true answer with `data: null`. */
  "null_data",
  /** The true answer with the list in `data` reversed. */
  "reordered",
  /** The true answer with the first row of the list in `data` there twice. */
  "repeated_row",
  /** The true answer with the list of the page before, where that was the last page served of the same list. */
  "repeated_page",
] as const;

export type FaultKind = (typeof faultKinds)[number];

export const faultSchema = z.strictObject({
  match: z
    .strictObject({
      /** Part of the path. */
      path: z.string().optional(),
      /** A regular expression over the path. */
      pattern: z.string().refine(isPattern, "not a regular expression").optional(),
      /** One whole segment of the path: an account id, a reference id. */
      segment: z.string().optional(),
      method: z.string().optional(),
    })
    .default({}),
  kind: z.enum(faultKinds),
  /** How many fitting requests it spoils. */
  times: z.number().int().min(1).default(1),
  /** How many fitting requests it first lets through. */
  after: z.number().int().min(0).default(0),
  delayMs: z.number().int().min(0).default(5_000),
  retryAfterSeconds: z.number().int().min(0).default(1),
});

/** What a caller gives: all but `kind` may be left out. */
export type Fault = z.input<typeof faultSchema>;

export type FaultReport = { pending: z.output<typeof faultSchema>[]; injected: Partial<Record<FaultKind, number>> };

/** The provider's own way of saying no. A fault of a kind that is left out is refused when it is queued. */
export type Refusals = Record<"429" | "500" | "503", () => Reply> & Partial<Record<"401" | "403", () => Reply>>;

/** What a plan may ask for: a kind, with its numbers where they matter. */
export type PlannedFault = Pick<Fault, "kind" | "delayMs" | "retryAfterSeconds">;

/** A standing source of faults, e.g. drawn from a seed and the request's ordinal. Null lets the request through. */
export type FaultPlan = (request: SimulatorRequest) => PlannedFault | null;

export const HUGE_BODY_BYTES = 30 * 1024 * 1024;

export class Faults {
  #pending: z.output<typeof faultSchema>[] = [];
  #injected = new Map<FaultKind, number>();
  #plan: FaultPlan | null = null;
  readonly #listings = new Listings();
  readonly #refusals: Refusals;

  constructor(refusals: Refusals) {
    this.#refusals = refusals;
  }

  /** Queues a fault. Of several that fit one request, the oldest that is ready is taken. */
  add(fault: Fault): void {
    const parsed = faultSchema.parse(fault);
    if ((parsed.kind === "401" || parsed.kind === "403") && this.#refusals[parsed.kind] === undefined) {
      throw new RangeError(`this provider has no refusal of its own for ${parsed.kind}`);
    }
    this.#pending.push(parsed);
  }

  /** The plan is asked for each request that no queued fault takes. Null ends it. */
  follow(plan: FaultPlan | null): void {
    this.#plan = plan;
  }

  clear(): void {
    this.#pending = [];
  }

  report(): FaultReport {
    return { pending: this.#pending.map((fault) => ({ ...fault })), injected: Object.fromEntries(this.#injected) };
  }

  /** The true answer, or what a fault makes of it. */
  async answer(request: SimulatorRequest, answer: () => Reply | Promise<Reply>): Promise<Reply> {
    const page = async (): Promise<{ reply: Reply; before: Reply | null }> => {
      const reply = await answer();
      return { reply, before: this.#listings.turn(request, reply) };
    };
    const truly = async (): Promise<Reply> => (await page()).reply;
    const fault = this.#take(request) ?? this.#planned(request);
    if (fault === undefined) return truly();
    this.#injected.set(fault.kind, (this.#injected.get(fault.kind) ?? 0) + 1);
    switch (fault.kind) {
      case "401":
      case "403":
        return (this.#refusals[fault.kind] ?? (() => json(Number(fault.kind), {})))();
      case "429_retry_after": {
        const reply = this.#refusals["429"]();
        return { ...reply, headers: { ...reply.headers, "retry-after": `${fault.retryAfterSeconds}` } };
      }
      case "429":
      case "500":
      case "503":
        return this.#refusals[fault.kind]();
      case "html":
        return text(502, "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", "text/html");
      case "cut":
        return { status: 200, body: "", wire: "cut_before" };
      case "lost_answer":
        return { ...(await truly()), wire: "cut_before" };
      case "cut_midway":
        return { ...(await truly()), wire: "cut_midway" };
      case "hang":
        return { status: 200, body: "", wire: "hang" };
      case "slow":
        return { ...(await truly()), delayMs: fault.delayMs };
      case "malformed": {
        const reply = await truly();
        const body = reply.body.toString();
        return { ...reply, body: body === "" ? "{" : body.slice(0, Math.ceil(body.length / 2)) };
      }
      case "wrong_type": {
        const reply = await truly();
        return { ...reply, body: retype(reply.body.toString()) };
      }
      case "huge": {
        const frame = Buffer.from('{"data":""}');
        const body = Buffer.alloc(HUGE_BODY_BYTES, "a");
        frame.copy(body, 0, 0, 9);
        frame.copy(body, HUGE_BODY_BYTES - 2, 9);
        return { status: 200, headers: { "content-type": "application/json" }, body };
      }
      case "empty":
        return text(200, "", "application/json");
      case "null_data":
        return reshape(await truly(), () => null);
      case "reordered":
        return reshape(await truly(), (data) => (Array.isArray(data) ? data.toReversed() : data));
      case "repeated_row":
        return reshape(await truly(), (data) => (Array.isArray(data) ? data.slice(0, 1).concat(data) : data));
      case "repeated_page": {
        const { reply, before } = await page();
        return before === null ? reply : reshape(reply, () => listOf(before));
      }
      case "null":
        break;
    }
    return json(200, null);
  }

  #planned(request: SimulatorRequest): z.output<typeof faultSchema> | undefined {
    const planned = this.#plan?.(request) ?? null;
    return planned === null ? undefined : faultSchema.parse(planned);
  }

  #take(request: SimulatorRequest): z.output<typeof faultSchema> | undefined {
    const fitting = this.#pending.filter(
      ({ match }) =>
        request.path.includes(match.path ?? "") &&
        (match.pattern === undefined || new RegExp(match.pattern).test(request.path)) &&
        (match.segment === undefined || request.path.split("/").includes(match.segment)) &&
        (match.method === undefined || match.method === request.method),
    );
    const ready = fitting.find((fault) => fault.after === 0);
    for (const fault of fitting) if (fault.after > 0) fault.after -= 1;
    if (ready === undefined) return undefined;
    ready.times -= 1;
    if (ready.times === 0) this.#pending = this.#pending.filter((fault) => fault !== ready);
    return ready;
  }
}

function isPattern(source: string): boolean {
  try {
    return RegExp(source) instanceof RegExp;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Changes `data` where the body is a JSON object that has one; leaves any other answer as it is. */
function reshape(reply: Reply, change: (data: unknown) => unknown): Reply {
  if (!`${reply.headers?.["content-type"]}`.startsWith("application/json")) return reply;
  const body: unknown = JSON.parse(reply.body.toString());
  if (typeof body !== "object" || body === null || !("data" in body)) return reply;
  return { ...reply, body: JSON.stringify({ ...body, data: change(body.data) }) };
}

/** `data` of an answer that has one. */
function listOf(reply: Reply): unknown {
  const body: unknown = JSON.parse(reply.body.toString());
  return typeof body === "object" && body !== null && "data" in body ? body.data : null;
}

function retype(body: string): string {
  try {
    const value: unknown = JSON.parse(body);
    return JSON.stringify(wrong(value));
  } catch (error) {
    // What never was JSON becomes JSON: that is another type as well.
    if (error instanceof SyntaxError) return JSON.stringify([body]);
    throw error;
  }
}

function wrong(value: unknown): unknown {
  if (Array.isArray(value)) return { items: value.map(wrong) };
  if (typeof value === "string") return [value];
  if (typeof value === "number") return `${value} units`;
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, wrong(inner)]));
  }
  return { value };
}
