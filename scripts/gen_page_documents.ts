import { codegen } from "@graphql-codegen/core";
import * as documentPlugin from "@graphql-codegen/typed-document-node";
import * as operationsPlugin from "@graphql-codegen/typescript-operations";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildSchema, parse } from "graphql";

const root = join(import.meta.dirname, "..");
const folder = join(root, "server", "web", "page", "graphql");

/** What the settings page asks, typed by the API's schema; a question that the API does not answer fails here. */
export async function pageDocuments(): Promise<string> {
  const [schemaText, operations] = await Promise.all([
    readFile(join(root, "server", "schema.graphql"), "utf8"),
    readFile(join(folder, "operations.graphql"), "utf8"),
  ]);
  const schema = buildSchema(schemaText);
  const text = await codegen({
    filename: "operations.ts",
    schema: parse(schemaText),
    schemaAst: schema,
    documents: [{ location: "operations.graphql", document: parse(operations) }],
    pluginMap: { operations: operationsPlugin, documents: documentPlugin },
    plugins: [{ operations: {} }, { documents: {} }],
    config: {
      useTypeImports: true,
      enumType: "string-literal",
      skipTypename: true,
      documentMode: "graphQLTag",
      gqlImport: "@urql/core#gql",
      defaultScalarType: "unknown",
      scalars: { UUID: "string", BigInt: "string", BigFloat: "string", Date: "string", Datetime: "string" },
      immutableTypes: true,
    },
  });
  return `/* Made by \`npm run gen\` from operations.graphql and server/schema.graphql. Review it, do not edit it. */\n${text}`;
}
