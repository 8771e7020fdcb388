import { type FieldArg, lambda, SafeError } from "postgraphile/grafast";

/** Rows of a page unless more or fewer are asked for, and the most that may be asked for. */
export const PAGE = 50;
export const LARGEST_PAGE = 100;

/** What a list begins with, where that is not the lowest id: people ask for the newest. */
const firstOrder: Record<string, string> = {
  SyncLogOrderBy: "PRIMARY_KEY_DESC",
  NotificationOrderBy: "PRIMARY_KEY_DESC",
  TransactionOrderBy: "OCCURRED_ON_DESC",
  AccountOrderBy: "LINKED_AT_ASC",
};

/**
 * Every list is read in pages: forwards from a cursor, never by counting rows off (an offset costs what it skips), and
 * never without an end. Sorted the other way round, forwards is backwards.
 */
export const pagesPlugin: GraphileConfig.Plugin = {
  name: "PagesPlugin",
  after: [
    "PgFirstLastBeforeAfterArgsPlugin",
    "PgConnectionArgOrderByPlugin",
    "PgConnectionArgOrderByDefaultValuePlugin",
  ],
  schema: {
    hooks: {
      GraphQLObjectType_fields_field_args(args, build, { scope }) {
        if (scope.isPgFieldSimpleCollection === true) return {};
        if (scope.isPgFieldConnection !== true) return args;
        const { first, last: _last, before: _before, offset: _offset, ...others } = args;
        if (first === undefined) return args;
        return {
          first: {
            ...first,
            description: `How many to answer: ${PAGE} unless told, at most ${LARGEST_PAGE}.`,
            defaultValue: PAGE,
            applyPlan: build.EXPORTABLE(
              (size, step) => (_parent: unknown, $connection: { setFirst(first: unknown): void }, arg: FieldArg) =>
                $connection.setFirst(step(arg.getRaw(), size)),
              [pageSize, lambda],
            ),
          },
          ...others,
        };
      },
      GraphQLObjectType_fields_field_args_arg(arg, build, { scope }) {
        if (scope.argName !== "orderBy" || scope.isPgFieldConnection !== true) return arg;
        const orders = build.graphql.getNamedType(arg.type);
        const first = firstOrder[orders.name];
        if (!(orders instanceof build.graphql.GraphQLEnumType) || first === undefined) return arg;
        return { ...arg, defaultValue: [orders.getValue(first)?.value] };
      },
    },
  },
};

function pageSize(first: unknown): number {
  if (first === undefined || first === null) return PAGE;
  if (typeof first === "number" && first >= 0 && first <= LARGEST_PAGE) return first;
  throw new SafeError(`A page has at most ${LARGEST_PAGE} entries.`, { code: "PAGES" });
}
