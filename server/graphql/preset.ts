import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { descriptionsPlugin } from "../plugins/descriptions.ts";
import { exposurePlugin } from "../plugins/exposure.ts";
import { linksPlugin } from "../plugins/links.ts";
import { namesPlugin } from "../plugins/names.ts";
import { notificationTextPlugin } from "../plugins/notification_text.ts";
import { nullabilityPlugin } from "../plugins/nullability.ts";
import { pagesPlugin } from "../plugins/pages.ts";
import { subscriptionsPlugin } from "../plugins/subscriptions.ts";

/** What the API is made of, without the database that it is made from and the server that it is served by. */
export const apiPreset: GraphileConfig.Preset = {
  extends: [PostGraphileAmberPreset],
  plugins: [
    namesPlugin,
    exposurePlugin,
    pagesPlugin,
    linksPlugin,
    notificationTextPlugin,
    subscriptionsPlugin,
    nullabilityPlugin,
    descriptionsPlugin,
  ],
  disablePlugins: [
    // Rows are known by their own ids; a second, opaque id would need a cache of its own in every client.
    "NodePlugin",
    "AddNodeInterfaceToSuitableTypesPlugin",
    "NodeIdCodecBase64JSONPlugin",
    "NodeIdCodecPipeStringPlugin",
    "RegisterQueryNodePlugin",
    "NodeAccessorPlugin",
    "PgTableNodePlugin",
    "PgNodeIdAttributesPlugin",
    "PgMutationPayloadEdgePlugin",
    // Counting a user's 50,000 transactions costs more than reading a page of them.
    "PgConnectionTotalCountPlugin",
    // A schema that could not be made as it was meant must not be served.
    "SwallowErrorsPlugin",
  ],
  // Rows are made and deleted by verbs. What may be updated follows from the grants: a transaction's category and note.
  schema: { defaultBehavior: "-resource:insert -resource:delete -constraint:resource:delete" },
};
