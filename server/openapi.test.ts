import { randomUUID } from "node:crypto";
import test from "ava";
import { z } from "zod";
import { withClonedDb } from "../db/testing/database.ts";
import { linkMomo, linkMono } from "../db/testing/world.ts";
import { type Answer, type InboundServer, startInboundServer } from "./testing/inbound_server.ts";

const jsonObject = z.record(z.string(), z.unknown());

const documentShape = z.looseObject({
  openapi: z.literal("3.1.1"),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.looseObject({
        operationId: z.string(),
        summary: z.string(),
        security: z.array(z.record(z.string(), z.array(z.string()))),
        parameters: z
          .array(z.looseObject({ name: z.string(), in: z.enum(["path", "query"]), required: z.boolean() }))
          .default([]),
        requestBody: z.looseObject({ required: z.boolean() }).optional(),
        responses: z.record(
          z.string(),
          z.union([
            z.strictObject({ $ref: z.literal("#/components/responses/Problem") }),
            z.looseObject({ content: z.record(z.string(), z.object({ schema: jsonObject })) }),
          ]),
        ),
      }),
    ),
  ),
  components: z.looseObject({
    schemas: z.object({ Problem: jsonObject }),
    securitySchemes: z.record(z.string(), z.unknown()),
  }),
});
type Document = z.infer<typeof documentShape>;

const documentOf = async (server: InboundServer): Promise<Document> =>
  documentShape.parse((await server.ask("GET", "/openapi.json", { headers: {} })).json());

/** Whether an answer is what the document says of it: its status, its content type, its body. */
function contradiction(document: Document, method: string, path: string, answer: Answer): string | null {
  const response = document.paths[path]?.[method.toLowerCase()]?.responses[answer.status];
  if (response === undefined) return `${answer.status} is not documented`;
  const isProblem = "$ref" in response;
  const type = isProblem ? "application/problem+json" : "application/json";
  if (answer.headers.get("content-type")?.split(";")[0] !== type) return "another content type";
  const schema = isProblem ? document.components.schemas.Problem : response.content[type]?.schema;
  if (schema === undefined) return "no schema";
  const parsed = z.fromJSONSchema(schema).safeParse(answer.json());
  return parsed.success ? null : z.prettifyError(parsed.error);
}

test(
  "every endpoint of ours is documented, every documented one exists, and needs what it says",
  withClonedDb(async (t, cloned) => {
    const server = await startInboundServer(cloned);
    try {
      const document = await documentOf(server);
      const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
      );
      t.deepEqual(documented.toSorted(), server.routes.toSorted());
      const ids = Object.values(document.paths).flatMap((methods) =>
        Object.values(methods).map((each) => each.operationId),
      );
      t.is(new Set(ids).size, ids.length);
      for (const [path, methods] of Object.entries(document.paths)) {
        for (const [method, { parameters, security, responses }] of Object.entries(methods)) {
          const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
          t.deepEqual(
            parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name),
            inPath.filter((name) => name !== undefined),
            path,
          );
          for (const scheme of security.flatMap((each) => Object.keys(each))) {
            t.true(scheme in document.components.securitySchemes);
            t.true("401" in responses, `${path} can refuse`);
          }
          const url = path.replaceAll(/\{\w+\}/g, randomUUID());
          const open = await server.ask(method.toUpperCase(), url, {
            headers: { "content-type": "application/json" },
            ...(method === "get" ? {} : { body: { event: "mono.x", data: {} } }),
          });
          t.is(open.status === 401, security.length > 0, `${method} ${path} without a secret: ${open.status}`);
        }
      }
    } finally {
      await server.close();
    }
  }),
);

test(
  "real answers, good and bad, are what the document says",
  withClonedDb(async (t, cloned) => {
    const server = await startInboundServer(cloned);
    try {
      const owner = await cloned.connect("app_owner");
      const bank = await linkMono(owner);
      const wallet = await linkMomo(owner);
      const document = await documentOf(server);
      const service = { authorization: `Bearer ${server.token}` };
      const json = { ...service, "content-type": "application/json" };
      const mono = { "mono-webhook-secret": server.monoSecret, "content-type": "application/json" };
      const reference = { account_id: wallet.accountId, reference_id: randomUUID() };
      const link = {
        platform_source: "mtn_momo",
        user_id: randomUUID(),
        account_name: "Wallet",
        mtn_reference_id: randomUUID(),
        credentials: { api_key: "0123456789abcdef0123456789abcdef" },
      };
      const monoLink = {
        platform_source: "mono",
        user_id: randomUUID(),
        account_name: "Salary",
        mono_account_id: "m1",
      };
      const bankId = `mono-${bank.accountId}`;
      const cases: [string, string, string, number, { body?: unknown; headers: Record<string, string> }][] = [
        ["POST", "/sync/background", "", 202, { headers: service }],
        ["POST", "/sync/mono", "", 202, { headers: service }],
        ["POST", "/sync/mtn-momo", "", 202, { headers: json, body: {} }],
        ["POST", "/sync/mono", "?all=yes", 400, { headers: service }],
        ["POST", "/sync/mono", "", 401, { headers: {} }],
        ["POST", "/sync/mono", "", 415, { headers: { ...service, "content-type": "text/plain" }, body: "x" }],
        ["POST", "/sync/account/{id}", bank.accountId, 202, { headers: service }],
        ["POST", "/sync/account/{id}", randomUUID(), 404, { headers: service }],
        ["POST", "/sync/account/{id}", "7", 400, { headers: service }],
        ["GET", "/accounts", "", 200, { headers: service }],
        ["GET", "/accounts", "?limit=1", 200, { headers: service }],
        ["GET", "/accounts", "?limit=0", 400, { headers: service }],
        ["GET", "/accounts", "", 401, { headers: {} }],
        ["POST", "/accounts", "", 201, { headers: json, body: link }],
        ["POST", "/accounts", "", 200, { headers: json, body: link }],
        ["POST", "/accounts", "", 201, { headers: json, body: { ...monoLink, currency: "NGN" } }],
        ["POST", "/accounts", "", 422, { headers: json, body: { ...monoLink, mono_account_id: "m2" } }],
        [
          "POST",
          "/accounts",
          "",
          409,
          { headers: json, body: { ...monoLink, mono_account_id: bankId, currency: "NGN" } },
        ],
        ["POST", "/accounts", "", 503, { headers: json, body: { ...monoLink, mono_account_id: undefined, code: "c" } }],
        ["POST", "/accounts", "", 400, { headers: json, body: "{" }],
        ["POST", "/accounts", "", 413, { headers: json, body: { x: "x".repeat(70_000) } }],
        ["POST", "/momo/references", "", 201, { headers: json, body: reference }],
        ["POST", "/momo/references", "", 200, { headers: json, body: reference }],
        ["POST", "/momo/references", "", 404, { headers: json, body: { ...reference, account_id: randomUUID() } }],
        ["POST", "/momo/references", "", 422, { headers: json, body: { ...reference, account_id: bank.accountId } }],
        ["POST", "/webhooks/mono", "", 200, { headers: mono, body: { event: "mono.x", data: {} } }],
        ["POST", "/webhooks/mono", "", 400, { headers: mono, body: {} }],
        ["POST", "/webhooks/mono", "", 401, { headers: {}, body: {} }],
        ["PUT", "/webhooks/mtn-momo/{reference}", reference.reference_id, 200, { headers: json, body: {} }],
        ["POST", "/webhooks/mtn-momo/{reference}", "x", 200, { headers: {} }],
        ["GET", "/openapi.json", "", 200, { headers: {} }],
      ];
      for (const [method, path, rest, status, options] of cases) {
        const url = path.includes("{") ? path.replace(/\{\w+\}/, rest) : `${path}${rest}`;
        const answer = await server.ask(method, url, options);
        t.is(answer.status, status, `${method} ${url}: ${answer.text}`);
        t.is(contradiction(document, method, path, answer), null, `${method} ${url} ${status}`);
      }
      const covered = new Set(cases.map(([method, path]) => `${method} ${path}`));
      t.deepEqual([...covered].toSorted(), server.routes.toSorted(), "no endpoint without a real answer here");

      // The control: the document does not agree to everything.
      const list = await server.ask("GET", "/accounts");
      const wrong = { ...list, json: () => ({ ...jsonObject.parse(list.json()), next_cursor: 7 }) };
      t.regex(contradiction(document, "GET", "/accounts", wrong) ?? "", /next_cursor/);
      const extra = { ...list, json: () => ({ ...jsonObject.parse(list.json()), secret: "x" }) };
      t.regex(contradiction(document, "GET", "/accounts", extra) ?? "", /secret/);
    } finally {
      await server.close();
    }
  }),
);
