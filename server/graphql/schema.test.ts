import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import {
  buildSchema,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
} from "graphql";
import { withClonedDb } from "../../db/testing/database.ts";
import { printApiSchema } from "./make_schema.ts";

const committed = (): Promise<string> => readFile(join(import.meta.dirname, "../schema.graphql"), "utf8");

test(
  "server/schema.graphql is what the database and the plugins make",
  withClonedDb(async (t, cloned) => {
    const made = (await printApiSchema(cloned.pool("app_authenticator"))).split("\n");
    const known = (await committed()).split("\n");
    const at = made.findIndex((line, n) => line !== known[n]);
    t.deepEqual(
      { line: made[at], lines: made.length },
      { line: known[at], lines: known.length },
      "run `npm run gen` and review the diff of server/schema.graphql",
    );
  }),
);

test("every type, field, argument and value has a description", async (t) => {
  const schema = buildSchema(await committed());
  t.deepEqual(undescribed(schema), []);
  t.deepEqual(undescribed(buildSchema("type Query { a(b: E): Int } enum E { c }")), [
    "Query",
    "Query.a",
    "Query.a(b)",
    "E",
    "E.c",
  ]);
});

function undescribed(schema: GraphQLSchema): string[] {
  const missing: string[] = [];
  const look = (name: string, { description }: { description?: string | null | undefined }): void => {
    if ((description ?? "") === "") missing.push(name);
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    look(type.name, type);
    if (isEnumType(type)) for (const value of type.getValues()) look(`${type.name}.${value.name}`, value);
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) look(`${type.name}.${field.name}`, field);
    }
    if (isObjectType(type)) {
      for (const field of Object.values(type.getFields())) {
        look(`${type.name}.${field.name}`, field);
        for (const arg of field.args) look(`${type.name}.${field.name}(${arg.name})`, arg);
      }
    }
  }
  return missing;
}

test("the schema says nothing of users, machinery or rows made by hand", async (t) => {
  const schema = buildSchema(await committed());
  const names = Object.values(schema.getTypeMap()).flatMap((type) =>
    isObjectType(type) || isInputObjectType(type)
      ? [type.name, ...Object.keys(type.getFields()).map((field) => `${type.name}.${field}`)]
      : [type.name],
  );
  t.true(names.includes("Account.syncStatus"));
  t.deepEqual(
    names.filter((name) => /\.userId|nodeId|rowId|ByAccount|episode|^(?:Create|Delete)|totalCount/i.test(name)),
    [],
  );
  const patch = schema.getType("TransactionPatch");
  t.deepEqual(isInputObjectType(patch) ? Object.keys(patch.getFields()) : null, ["category", "note"]);
});
