import { createRequire, registerHooks } from "node:module";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type * as Utils from "rolldown/utils";

/*
 * Lets Node load .tsx: it strips types, and knows no JSX. AVA requires this file in every test process, so rolldown, which
 * is the page's compiler anyway (Vite's), is loaded with the first .tsx only.
 */
let utils: typeof Utils | undefined;

registerHooks({
  load(url, context, nextLoad) {
    if (!url.endsWith(".tsx")) return nextLoad(url, context);
    const path = fileURLToPath(url);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- require has no types
    utils ??= createRequire(import.meta.url)("rolldown/utils") as typeof Utils;
    const { code, errors } = utils.transformSync(path, readFileSync(path, "utf8"), {
      lang: "tsx",
      jsx: { runtime: "automatic" },
      sourcemap: false,
    });
    if (errors.length > 0) throw new SyntaxError(errors.map(({ message }) => message).join("\n"));
    return { format: "module", source: code, shortCircuit: true };
  },
});
