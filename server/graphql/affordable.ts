import { SafeError } from "postgraphile/grafast";
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  getOperationAST,
  GraphQLError,
  parse,
  type GraphQLObjectType,
  type GraphQLSchema,
  isObjectType,
  getNamedType,
  Kind,
  type FieldNode,
  type SelectionSetNode,
} from "postgraphile/graphql";
import { LARGEST_PAGE, PAGE } from "../plugins/pages.ts";

/** Deeper than the settings page asks, by half. */
export const DEEPEST = 12;
/** Objects that an answer may hold: some pages of accounts with their latest transactions. */
export const MOST_OBJECTS = 10_000;
/** Fields and fragments that a query may name, each as often as it is reached. */
export const MOST_SELECTIONS = 2_000;

/** Tokens of a query. Validation takes a time that grows faster than the query. */
export const MOST_TOKENS = 3_000;

/** A request as it was sent, not yet judged. */
type Request = { query?: unknown; operationName?: unknown; variableValues?: unknown };

const tooMuch = (message: string, code: "COST" | "DEPTH"): SafeError =>
  new SafeError(message, { code, statusCode: 400 });

/**
 * Refuses what would cost too much before any of it is validated or planned: a page counts as many objects as it may hold,
 * within another page multiplied. Introspection has its own switch and counts as nothing. What is no GraphQL at all is for
 * the validator to say.
 *
 * @throws SafeError with code DEPTH or COST
 */
export function assertAffordable(schema: GraphQLSchema, { query, operationName, variableValues }: Request): void {
  if (typeof query !== "string") return;
  const document = parseWithinLimits(query);
  if (document === null) return;
  const variables: Record<string, unknown> = { ...(typeof variableValues === "object" ? variableValues : {}) };
  const operation = getOperationAST(document, typeof operationName === "string" ? operationName : null);
  if (operation === null || operation === undefined) return;
  const root = schema.getRootType(operation.operation);
  if (root === null || root === undefined) return;
  const fragments = new Map(
    document.definitions
      .filter((node): node is FragmentDefinitionNode => node.kind === Kind.FRAGMENT_DEFINITION)
      .map((node) => [node.name.value, node]),
  );
  let objects = 0;
  let selections = 0;

  function visit(type: GraphQLObjectType, selectionSet: SelectionSetNode, depth: number, times: number): void {
    if (depth > DEEPEST) throw tooMuch(`A query is at most ${DEEPEST} levels deep.`, "DEPTH");
    for (const selection of selectionSet.selections) {
      selections += 1;
      if (selections > MOST_SELECTIONS) throw tooMuch("The query asks for too much.", "COST");
      if (selection.kind !== Kind.FIELD) {
        const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
        if (fragment !== undefined) visit(type, fragment.selectionSet, depth, times);
        continue;
      }
      const field = type.getFields()[selection.name.value];
      const answer = field === undefined ? undefined : getNamedType(field.type);
      if (selection.selectionSet === undefined || !isObjectType(answer)) continue;
      const isPage = field?.args.some(({ name }) => name === "first") === true;
      const inside = isPage ? times * sizeOf(selection, variables) : times;
      objects += inside;
      if (objects > MOST_OBJECTS) throw tooMuch("The query asks for too much at once.", "COST");
      visit(answer, selection.selectionSet, depth + 1, inside);
    }
  }
  visit(root, operation.selectionSet, 1, 1);
}

function parseWithinLimits(query: string): DocumentNode | null {
  try {
    return parse(query, { maxTokens: MOST_TOKENS, noLocation: true });
  } catch (error) {
    if (error instanceof GraphQLError && error.message.includes("tokens"))
      throw tooMuch("The query is too long.", "COST");
    if (error instanceof GraphQLError) return null;
    throw tooMuch("The query cannot be read.", "COST");
  }
}

function sizeOf(field: FieldNode, variables: Record<string, unknown>): number {
  const value = field.arguments?.find(({ name }) => name.value === "first")?.value;
  if (value === undefined || value.kind === Kind.NULL) return PAGE;
  const first =
    value.kind === Kind.VARIABLE ? variables[value.name.value] : value.kind === Kind.INT && Number(value.value);
  // A variable may have a default of its own.
  return typeof first === "number" ? Math.min(Math.max(first, 1), LARGEST_PAGE) : LARGEST_PAGE;
}
