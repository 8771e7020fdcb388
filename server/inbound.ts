import rateLimit from "@fastify/rate-limit";
import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";
import type { ServiceToken } from "../db/service_tokens.ts";
import { openApiDocument } from "./openapi.ts";
import { answerErrors } from "./routes/answer_errors.ts";
import { nothing, operation, type Operation, serve } from "./routes/operation.ts";
import { authenticateServices, type ServiceLimits } from "./service/authenticate.ts";
import { linkingOperations, type LinkingDependencies } from "./service/linking_operations.ts";
import { listOperation } from "./service/list_operation.ts";
import { syncOperations } from "./service/sync_operations.ts";
import { momoCallbacks, monoWebhooks, type WebhookLimits, webhookOperations } from "./webhooks/routes.ts";

/** What a backend and the providers call: the story's endpoints, webhooks, and the document that describes both. */
export type InboundDependencies = LinkingDependencies & {
  /** Of service accounts; none: the internal endpoints let nobody in. */
  serviceTokens: readonly ServiceToken[];
  monoWebhookSecret: string | undefined;
  limits?: { service?: Partial<ServiceLimits>; webhooks?: Partial<WebhookLimits> };
};

const SERVICE_LIMITS: ServiceLimits = { requests: 600, refusals: 60 };
const WEBHOOK_LIMITS: WebhookLimits = { requests: 30_000, refusals: 60 };

/** No request of ours is longer than a few hundred characters. */
const LARGEST_BODY = 64 * 1024;

export const inboundRoutes: FastifyPluginAsync<InboundDependencies> = async (app, deps) => {
  await app.register(rateLimit, { global: false });
  const webhooks = webhookOperations(deps);
  const service = [...syncOperations(deps.db), listOperation(deps.db), ...linkingOperations(deps)];
  const document: Operation[] = [];
  document.push(
    documentOperation(() => openApiDocument([...service, ...webhooks.mono, ...webhooks.momo, ...document])),
  );

  app.register(async (internal) => {
    answerErrors(internal);
    internal.addHook("onRoute", (route) => {
      route.bodyLimit ??= LARGEST_BODY;
    });
    internal.removeContentTypeParser("text/plain");
    authenticateServices(internal, {
      tokens: deps.serviceTokens,
      limits: { ...SERVICE_LIMITS, ...deps.limits?.service },
    });
    serve(internal, service);
  });
  const about = {
    db: deps.db,
    keyring: deps.keyring,
    monoSecret: deps.monoWebhookSecret,
    limits: { ...WEBHOOK_LIMITS, ...deps.limits?.webhooks },
  };
  app.register(monoWebhooks, { ...about, operations: webhooks.mono });
  app.register(momoCallbacks, { ...about, operations: webhooks.momo });
  app.register(async (open) => {
    answerErrors(open);
    serve(open, document);
  });
};

function documentOperation(make: () => object): Operation {
  let made: object | undefined;
  return operation({
    method: "GET",
    path: "/openapi.json",
    id: "openApiDocument",
    tag: "service",
    summary: "This document",
    security: null,
    params: nothing,
    query: nothing,
    body: z.unknown(),
    answers: { 200: { description: "OpenAPI 3.1", schema: z.looseObject({ openapi: z.string() }) } },
    problems: [400],
    run: () => Promise.resolve({ status: 200, body: (made ??= make()) }),
  });
}
