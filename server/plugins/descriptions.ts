import { isEnumCodec } from "postgraphile/@dataplan/pg";
import {
  GraphQLEnumType,
  GraphQLInputObjectType,
  GraphQLObjectType,
  GraphQLScalarType,
  type GraphQLSchema,
} from "postgraphile/graphql";

/**
 * Descriptions for what PostgreSQL has no comments for: values of enums and arguments of functions, from tags in the
 * comments of their type or function (`@value name text`, `@param name text`), and for what PostGraphile makes without a
 * word. server/graphql/schema.test.ts asks for every one.
 */
export const descriptionsPlugin: GraphileConfig.Plugin = {
  name: "DescriptionsPlugin",
  schema: {
    hooks: {
      finalize(schema, build) {
        const { inflection } = build;
        for (const codec of Object.values(build.pgCodecs)) {
          if (isEnumCodec(codec))
            describeValues(schema, inflection.enumType(codec), named(codec.extensions?.tags?.value));
        }
        for (const resource of Object.values(build.pgResources)) {
          if (resource.parameters === undefined) continue;
          const { param, result } = resource.extensions?.tags ?? {};
          const mutation = inflection.upperCamelCase(resource.name);
          describeFields(schema, `${mutation}Input`, named(param));
          const answer = typeof result === "string" ? result : "What the mutation answers.";
          describeFields(schema, `${mutation}Payload`, new Map([["result", answer]]));
        }
        for (const field of Object.values(schema.getQueryType()?.getFields() ?? {})) {
          field.description = questions[field.name] ?? field.description;
          for (const arg of field.args) if (arg.name === "id") arg.description ??= `Which ${field.name}.`;
        }
        for (const type of Object.values(schema.getTypeMap())) {
          if (type instanceof GraphQLEnumType && type.name.endsWith("OrderBy")) describeOrders(type);
          if (type instanceof GraphQLScalarType && type.name === "Date") type.description = "A day, as YYYY-MM-DD.";
          if (type instanceof GraphQLScalarType && type.name === "BigFloat") {
            type.description = 'An exact decimal number as a string, such as "1250.00": it never was a float.';
          }
        }
        return schema;
      },
    },
  },
};

/** What a client may ask, in its own words instead of PostGraphile's. */
const questions: Readonly<Record<string, string>> = {
  account: "One of your accounts; null where there is none, or it is not yours.",
  accounts: "Your accounts, page by page, as they were linked.",
  notification: "One entry of your feed; null where there is none, or it is not yours.",
  notifications: "Your feed, page by page, the newest first.",
  pushSubscriptions: "The browsers in which you are notified.",
  syncLog: "One sync of one of your accounts; null where there is none, or it is not yours.",
  syncSettings: "What you chose for each platform; a platform without choices is not among them.",
  transaction: "One of your transactions; null where there is none, or it is not yours.",
  transactions: "The transactions of all your accounts, page by page, the newest day first.",
};

/** Tags of the form `name text`, by name. A tag that comes once is a string, one that comes more often a list. */
function named(tag: unknown): Map<string, string> {
  const lines: unknown[] = Array.isArray(tag) ? tag : [tag];
  return new Map(
    lines
      .filter((line) => typeof line === "string")
      .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]),
  );
}

function describeValues(schema: GraphQLSchema, typeName: string, texts: Map<string, string>): void {
  const type = schema.getType(typeName);
  if (!(type instanceof GraphQLEnumType)) return;
  for (const value of type.getValues()) value.description ??= texts.get(value.name);
}

function describeFields(schema: GraphQLSchema, typeName: string, texts: Map<string, string>): void {
  const type = schema.getType(typeName);
  if (!(type instanceof GraphQLInputObjectType || type instanceof GraphQLObjectType)) return;
  const fields: Record<string, { name: string; description?: string | null | undefined }> = type.getFields();
  for (const field of Object.values(fields)) field.description ??= texts.get(field.name);
}

function describeOrders(type: GraphQLEnumType): void {
  for (const value of type.getValues()) {
    const [, what = "", direction] = /^(.+)_(ASC|DESC)$/.exec(value.name) ?? [];
    const by = what === "PRIMARY_KEY" ? "id" : what.toLowerCase().replaceAll("_", " ");
    value.description ??=
      direction === undefined
        ? "In no particular order."
        : `By ${by}, ${direction === "ASC" ? "lowest first" : "highest first"}.`;
  }
}
