import { type GraphQLError, type GraphQLSchema, NoSchemaIntrospectionCustomRule } from "postgraphile/graphql";
import type { Log } from "../../db/log.ts";
import type { Identity } from "../identity.ts";
import type { Linking } from "../linking.ts";
import type { LiveEvents } from "../live_events.ts";
import { assertAffordable } from "./affordable.ts";
import { liveTopics } from "./live_topics.ts";
import { createErrorMask } from "./masked_errors.ts";
import { LONGEST_REQUEST } from "./request_limits.ts";

const STATEMENT_TIMEOUT = "5s";

/** Where a request came from: by POST, or over a socket. */
type RequestContext = { fastifyv5?: { request: object }; ws?: { request: object } };

export type ServingOptions = {
  log: Log;
  live: LiveEvents;
  linking: Linking;
  /** Whether the API tells its schema. */
  introspection: boolean;
  /** Whether Ruru, a GraphiQL, is shown at /ruru. */
  ruru: boolean;
  /** Once it has been made. */
  schema: () => GraphQLSchema | undefined;
  /** Who asks. Null: nobody is signed in. */
  identityOf: (request: RequestContext) => Identity | null;
};

/** How the API is served: as whom it asks the database, within which limits, and what of an error is told. */
export function servingPreset(options: ServingOptions): GraphileConfig.Preset {
  const { log, live, linking, introspection, ruru, schema, identityOf } = options;
  const maskError = createErrorMask({ log, hints: introspection });
  return {
    plugins: [limitsPlugin({ introspection, maskError, schema })],
    grafserv: {
      graphqlPath: "/graphql",
      graphqlOverGET: false,
      graphiql: ruru,
      graphiqlPath: "/ruru",
      graphiqlOnGraphQLGET: false,
      maxRequestLength: LONGEST_REQUEST,
      maskError,
    },
    grafast: {
      explain: false,
      context(requestContext) {
        const identity = identityOf(requestContext);
        return {
          identity,
          linking,
          live: liveTopics(live, identity),
          pgSettings: {
            role: "app_visitor",
            // Always set: a pooled session remembers nothing, and nobody is nobody.
            "tidemark.user_id": identity?.userId ?? "",
            statement_timeout: STATEMENT_TIMEOUT,
          },
        };
      },
    },
  };
}

function limitsPlugin(options: {
  introspection: boolean;
  maskError: (error: GraphQLError) => GraphQLError;
  schema: () => GraphQLSchema | undefined;
}): GraphileConfig.Plugin {
  const { introspection, maskError, schema } = options;
  return {
    name: "LimitsPlugin",
    grafserv: {
      middleware: {
        setPreset(next, event) {
          if (!introspection) event.validationRules.push(NoSchemaIntrospectionCustomRule);
          // Grafserv masks what execution throws; what validation says reaches the caller as it is.
          const { getExecutionConfig } = event;
          event.getExecutionConfig = async function (context) {
            const config = await getExecutionConfig.call(this, context);
            return {
              ...config,
              parseAndValidate(query) {
                const result = config.parseAndValidate(query);
                return result.errors === undefined ? result : { errors: result.errors.map(maskError) };
              },
            };
          };
          return next();
        },
        processGraphQLRequestBody(next, { body }) {
          const known = schema();
          if (known !== undefined) assertAffordable(known, body);
          return next();
        },
      },
    },
  };
}
