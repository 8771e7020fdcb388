import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Queryable } from "../../db/queryable.ts";
import type { Webhook } from "../../db/queries/webhooks.ts";
import type { Keyring } from "../../tasks/@credentials/keyring.ts";
import { externalIdHmac } from "../../tasks/@linking/identity.ts";
import { identityKeyOf } from "../../tasks/@linking/identity_key.ts";
import { answerErrors } from "../routes/answer_errors.ts";
import { type Operation, operation, serve } from "../routes/operation.ts";
import { ProblemError } from "../routes/problem.ts";
import { refuseIfExceeded } from "../service/authenticate.ts";
import { bodyHasher, WebhookInbox } from "./inbox.ts";
import { readMonoEvent } from "./mono_event.ts";

/** Requests a minute from one address. A burst of thousands is what a provider does after an outage of its own. */
export type WebhookLimits = {
  /** To each of the two endpoints. */
  requests: number;
  /** With a wrong secret. */
  refusals: number;
};

export type WebhookDependencies = {
  /** Acts as app_service. */
  db: Queryable;
  keyring: Keyring;
  /** What Mono sends in mono-webhook-secret. Undefined: no webhook of Mono's is taken. */
  monoSecret: string | undefined;
  limits: WebhookLimits;
};

const MINUTE_MS = 60_000;

/** account_updated, the longest that is documented, has one kilobyte. */
const LARGEST_BODY = 64 * 1024;

const received = z.strictObject({ received: z.literal(true) });
const RECEIVED = { status: 200, body: { received: true } };

const open = z.unknown();

/** POST /webhooks/mono and PUT or POST /webhooks/mtn-momo/{reference}. */
export function webhookOperations({ db, keyring }: Pick<WebhookDependencies, "db" | "keyring">): {
  mono: Operation[];
  momo: Operation[];
} {
  const inbox = new WebhookInbox(db);
  const hash = bodyHasher(keyring);
  const common = { tag: "webhooks", query: open } as const;
  let identityKey: Promise<Buffer> | undefined;
  /** By it the inbox knows what comes late for an account that is no more, of which nothing else is stored. */
  const hmacOf = async ({ platform, providerAccountId: id }: Webhook): Promise<string | undefined> => {
    if (id === undefined) return undefined;
    identityKey ??= identityKeyOf(db, keyring);
    try {
      return externalIdHmac(await identityKey, platform, id).toString("base64");
    } catch (error) {
      identityKey = undefined;
      throw error;
    }
  };
  const store = async (webhook: Webhook, request: FastifyRequest) => {
    try {
      await inbox.receive({ ...webhook, externalIdHmac: await hmacOf(webhook) });
    } catch (error) {
      request.log.error({ err: error }, "a webhook could not be stored");
      throw new ProblemError(
        503,
        { detail: "It could not be stored; send it again." },
        { cause: error, headers: { "retry-after": "5" } },
      );
    }
    return RECEIVED;
  };

  const mono = operation({
    ...common,
    method: "POST",
    path: "/webhooks/mono",
    id: "receiveMonoWebhook",
    summary: "Mono's webhooks",
    description:
      "Every event is taken, known or not, and answered once it is stored. A repeat is answered the same and has no second " +
      "effect. Of the body only identifiers and statuses are kept, and a keyed hash.",
    security: "monoWebhookSecret",
    params: open,
    body: z.looseObject({ event: z.string(), data: z.unknown() }),
    answers: { 200: { description: "Stored, now or before", schema: received } },
    problems: [400, 401, 413, 415, 429, 503],
    run(_, request) {
      const event = readMonoEvent(request.body);
      if (event === null) throw new ProblemError(400, { detail: "This is no event of Mono's." });
      const bodyHash = hash(rawBody(request));
      const { eventId, jobId, status } = event;
      const isJob = event.event === "mono.accounts.jobs.update" && jobId !== undefined && status !== undefined;
      return store(
        {
          ...event,
          platform: "mono",
          bodyHmac: bodyHash.toString("base64"),
          dedupeKey:
            eventId !== undefined
              ? `event:${eventId}`
              : isJob
                ? `job:${jobId}:${status}`
                : `body:${bodyHash.toString("hex")}`,
        },
        request,
      );
    },
  });

  const momo = (["PUT", "POST"] as const).map((method) =>
    operation({
      ...common,
      method,
      path: "/webhooks/mtn-momo/{reference}",
      id: method === "PUT" ? "putMomoCallback" : "postMomoCallback",
      summary: "MTN MoMo's callbacks",
      description:
        "Unsigned, and so no more than a hint: the payment is asked for at once. The answer does not tell whether the " +
        "reference is known, nor whether the body made sense.",
      security: null,
      params: z.looseObject({ reference: z.string() }),
      body: open,
      answers: { 200: { description: "Heard", schema: received } },
      problems: [413, 429, 503],
      run({ params }, request) {
        const reference = z.guid().safeParse(params.reference);
        if (!reference.success) return Promise.resolve(RECEIVED);
        const referenceId = reference.data.toLowerCase();
        const status = paymentStatus(request.body);
        return store(
          {
            platform: "mtn_momo",
            event: "momo.callback",
            referenceId,
            status,
            bodyHmac: hash(rawBody(request)).toString("base64"),
            // Not the body: strangers may invent as many of those as they like.
            dedupeKey: `payment:${referenceId}:${status ?? "none"}`,
          },
          request,
        );
      },
    }),
  );
  return { mono: [mono], momo };
}

const payment = z.looseObject({
  status: z
    .string()
    .trim()
    .toLowerCase()
    .pipe(z.enum(["pending", "created", "successful", "failed"])),
});

const paymentStatus = (body: unknown): string | undefined => payment.safeParse(body).data?.status;

const bodies = new WeakMap<FastifyRequest, Buffer>();

/** The body as it came, which the hash is of. */
const rawBody = (request: FastifyRequest): Buffer => bodies.get(request) ?? Buffer.alloc(0);

/** Keeps the raw body beside the parsed one. */
export const monoWebhooks: FastifyPluginAsync<WebhookDependencies & { operations: Operation[] }> = (
  app,
  { monoSecret, limits, operations },
) => {
  answerErrors(app);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "buffer", bodyLimit: LARGEST_BODY },
    (request, body: Buffer, done) => {
      bodies.set(request, body);
      const parsed = parseJson(body);
      if (parsed === undefined) done(new ProblemError(400, { detail: "The body is not JSON." }));
      else done(null, parsed);
    },
  );
  const asked = app.createRateLimit({ max: limits.requests, timeWindow: MINUTE_MS });
  const refused = app.createRateLimit({ max: limits.refusals, timeWindow: MINUTE_MS });
  const expected = monoSecret === undefined ? undefined : sha256(monoSecret);

  app.addHook("onRequest", async (request) => {
    if (expected === undefined) {
      // First, so that nobody can fill the log.
      refuseIfExceeded(await refused(request));
      request.log.error("a webhook of Mono's was turned away: MONO_WEBHOOK_SECRET is not set");
      throw new ProblemError(503, { detail: "Webhooks of Mono's are not configured here." });
    }
    const given = request.headers["mono-webhook-secret"];
    if (typeof given !== "string" || !timingSafeEqual(sha256(given), expected)) {
      refuseIfExceeded(await refused(request));
      throw new ProblemError(401, { detail: "The header mono-webhook-secret is missing or wrong." });
    }
    // Only now: whoever guesses secrets must not use up what Mono may send.
    refuseIfExceeded(await asked(request));
  });
  serve(app, operations);
  return Promise.resolve();
};

/** Whatever comes is read as far as it goes: MTN's pages do not agree on method, scheme or content type. */
export const momoCallbacks: FastifyPluginAsync<WebhookDependencies & { operations: Operation[] }> = (
  app,
  { limits, operations },
) => {
  answerErrors(app);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: LARGEST_BODY }, (request, body: Buffer, done) => {
    bodies.set(request, body);
    done(null, parseJson(body) ?? null);
  });
  const asked = app.createRateLimit({ max: limits.requests, timeWindow: MINUTE_MS });
  app.addHook("onRequest", async (request) => refuseIfExceeded(await asked(request)));
  serve(app, operations);
  return Promise.resolve();
};

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
