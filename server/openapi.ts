import { z } from "zod";
import type { Operation } from "./routes/operation.ts";
import { problem } from "./routes/problem.ts";

const jsonSchema = z.record(z.string(), z.unknown());
type JsonSchema = z.infer<typeof jsonSchema>;

const objectSchema = z.looseObject({
  properties: z.record(z.string(), jsonSchema).default({}),
  required: z.array(z.string()).default([]),
});

/** What a request may hold (`input`) or what is answered (`output`), as JSON Schema. */
function schemaOf(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _, ...rest } = jsonSchema.parse(z.toJSONSchema(schema, { io, target: "draft-2020-12" }));
  return rest;
}

/** The OpenAPI 3.1 document of these operations, made from the very schemas that requests and answers pass through. */
export function openApiDocument(operations: readonly Operation[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const each of operations) (paths[each.path] ??= {})[each.method.toLowerCase()] = describe(each);
  return {
    openapi: "3.1.1",
    info: {
      title: "Tidemark: internal endpoints and webhooks",
      version: "1",
      description: "For an app's backend and for the providers. People's own data is served by GraphQL at /graphql.",
    },
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    tags: [
      { name: "sync", description: "Ask for syncs" },
      { name: "accounts", description: "List and link accounts, follow MoMo requests" },
      { name: "webhooks", description: "For Mono and MTN only" },
      { name: "service", description: "About this server" },
    ],
    paths,
    components: {
      securitySchemes: {
        serviceToken: { type: "http", scheme: "bearer", description: "A service account's token" },
        monoWebhookSecret: { type: "apiKey", in: "header", name: "mono-webhook-secret" },
      },
      schemas: { Problem: schemaOf(problem, "output") },
      responses: {
        Problem: {
          description: "What is wrong, by RFC 9457",
          content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
        },
      },
    },
  };
}

function describe(each: Operation): object {
  const { id, tag, summary, description, security, answers, problems, body, method } = each;
  const parameters = [...parametersOf("path", each), ...parametersOf("query", each)];
  const bodySchema = method === "GET" ? {} : schemaOf(body, "input");
  const hasBody = Object.keys(bodySchema).length > 0;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: security === null ? [] : [{ [security]: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(hasBody
      ? {
          requestBody: {
            required: !body.safeParse(undefined).success,
            content: { "application/json": { schema: bodySchema } },
          },
        }
      : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [
          status,
          {
            description: answer.description,
            content: { "application/json": { schema: schemaOf(answer.schema, "output") } },
          },
        ]),
      ),
      ...Object.fromEntries(problems.map((status) => [status, { $ref: "#/components/responses/Problem" }])),
    },
  };
}

function parametersOf(where: "path" | "query", { params, query, path }: Operation): object[] {
  const schema = where === "path" ? params : query;
  // A parameter is text that becomes what the schema says; whether it may be left out is the input's affair.
  const { properties } = objectSchema.parse(schemaOf(schema, "output"));
  const { required } = objectSchema.parse(schemaOf(schema, "input"));
  return Object.entries(properties)
    .filter(([name]) => where === "query" || path.includes(`{${name}}`))
    .map(([name, { description, ...rest }]) => ({
      name,
      in: where,
      required: where === "path" || required.includes(name),
      ...(typeof description === "string" ? { description } : {}),
      schema: rest,
    }));
}
