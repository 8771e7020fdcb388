/** One operation for each field of Query and Mutation, made from the schema itself: a new field is asked as well. */

import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from "graphql";

export type Operation = { kind: "query" | "mutation"; field: string; text: string };

/** What every argument of a scalar type is, and a list of candidates for the ids of rows. */
export type Values = { uuid: string; ids: readonly string[]; cursor?: string };

/** Scalars other than ids. One that is missing here is a mistake in the test: nobody has thought about it. */
const scalars: Record<string, string> = {
  String: '"something-else"',
  Int: "5",
  Float: "5",
  Boolean: "true",
  Date: '"2026-03-05"',
  Datetime: '"2026-03-05T00:00:00Z"',
  BigFloat: '"5"',
  JSON: '"{}"',
};

/** Deep enough to come to an account's transactions and their revisions, and short of the API's limits. */
const DEPTH = 7;

export function everyOperation(schema: GraphQLSchema, values: Values): Operation[] {
  const roots = [
    ["query", schema.getQueryType()],
    ["mutation", schema.getMutationType()],
  ] as const;
  return roots.flatMap(([kind, type]) =>
    Object.values(type?.getFields() ?? {})
      .filter(({ name }) => name !== "query")
      .flatMap((field) =>
        values.ids.map((id) => ({
          kind,
          field: field.name,
          text: `${kind} { ${field.name}${args(field, { ...values, id })}${selection(field.type, DEPTH)} }`,
        })),
      ),
  );
}

/** One subscription for each field of Subscription; its arguments, of which all are optional, are given where `uuid` is. */
export function everySubscription(schema: GraphQLSchema, uuid: string | null): { field: string; text: string }[] {
  return Object.values(schema.getSubscriptionType()?.getFields() ?? {})
    .filter((field) => uuid === null || field.args.length > 0)
    .map((field) => ({
      field: field.name,
      text: `subscription { ${field.name}${uuid === null ? "" : args(field, { uuid, id: "1" })}${pushed(field.type, 2)} }`,
    }));
}

/** What an event tells, with the name of each account in it, and no pages of further rows. */
function pushed(type: GraphQLOutputType, depth: number): string {
  const named = getNamedType(type);
  if (!isObjectType(named)) return "";
  const fields = Object.values(named.getFields()).flatMap((field) => {
    if (field.name === "query") return [];
    if (field.name === "account") return ["account { id accountName }"];
    if (!isObjectType(getNamedType(field.type))) return [field.name];
    return depth === 1 ? [] : [`${field.name}${pushed(field.type, depth - 1)}`];
  });
  return ` { ${fields.join(" ")} }`;
}

type Value = Omit<Values, "ids"> & { id: string };

function args(field: GraphQLField<unknown, unknown>, values: Value): string {
  const given = field.args
    .filter(({ name }) => !["after", "orderBy"].includes(name))
    .map(({ name, type }) => `${name}: ${literal(type, values)}`);
  return given.length === 0 ? "" : `(${given.join(", ")})`;
}

function literal(type: GraphQLInputType, values: Value): string {
  if (isNonNullType(type)) return literal(type.ofType, values);
  if (isListType(type)) return `[${literal(type.ofType, values)}]`;
  if (isEnumType(type)) return type.getValues()[0]?.name ?? "null";
  if (isInputObjectType(type)) {
    // A condition is left empty: it could only hide rows.
    if (type.name.endsWith("Condition")) return "{}";
    const fields = Object.values(type.getFields()).map((field) => `${field.name}: ${literal(field.type, values)}`);
    return `{ ${fields.join(", ")} }`;
  }
  if (type.name === "UUID") return JSON.stringify(values.uuid);
  if (type.name === "BigInt") return JSON.stringify(values.id);
  const value = scalars[type.name];
  if (value === undefined) throw new Error(`no value for ${type.name}: add one to every_operation.ts`);
  return value;
}

function selection(type: GraphQLOutputType, depth: number): string {
  const named = getNamedType(type);
  if (!isObjectType(named)) return "";
  const fields = Object.values(named.getFields()).flatMap((field) => {
    // Back to the root, or up to the account again, would go round in circles.
    if (field.name === "query" || field.name === "account" || field.name === "edges") {
      return field.name === "account" && depth === DEPTH - 1 ? [`account { id accountName }`] : [];
    }
    if (!isObjectType(getNamedType(field.type))) return [field.name];
    if (depth === 0) return [];
    const few = field.args.some(({ name }) => name === "first") ? "(first: 5)" : "";
    return [`${field.name}${few}${selection(field.type, depth - 1)}`];
  });
  return fields.length === 0 ? " { __typename }" : ` { ${fields.join(" ")} }`;
}
