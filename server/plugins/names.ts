/** Short names: `accounts`, `account(id:)`, `updateTransaction`, with `id` for a row's own id. */
export const namesPlugin: GraphileConfig.Plugin = {
  name: "NamesPlugin",
  inflection: {
    replace: {
      // Amber calls a column `id` "rowId", because Relay's node id is called `id`; there is none here.
      _attributeName(_previous, _options, { attributeName, codec }) {
        const name = codec.attributes[attributeName]?.extensions?.tags?.name;
        return this.coerceToGraphQLName(typeof name === "string" ? name : attributeName);
      },
      _allRows(_previous, _options, resource) {
        return this.camelCase(this.pluralize(this._singularizedResourceName(resource)));
      },
      // Only where there is no connection of the same name.
      listField(_previous, _options, name) {
        return name;
      },
      rowByUnique(_previous, _options, { resource }) {
        return this.camelCase(this._singularizedResourceName(resource));
      },
      updateByKeysField(_previous, _options, { resource }) {
        return this.camelCase(`update-${this._singularizedResourceName(resource)}`);
      },
      patchField() {
        return "patch";
      },
      // The names that browsers have for a subscription's keys, not p256Dh.
      argument(previous, _options, details) {
        return details.param.name === "p256dh"
          ? details.param.name
          : (previous?.(details) ?? details.param.name ?? `arg${details.index}`);
      },
    },
  },
};
