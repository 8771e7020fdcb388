import { createRequire } from "node:module";
import type { ExecutionContext } from "ava";
import type { Page } from "playwright-core";
import { z } from "zod";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const violations = z.array(
  z.object({ id: z.string(), help: z.string(), nodes: z.array(z.object({ html: z.string() })) }),
);

/** No violation of any of axe's rules that are about WCAG 2.2 AA or good practice, in the page as it is now. */
export async function isAccessible(t: ExecutionContext, page: Page, where: string): Promise<void> {
  // The content policy lets no script in but the page's own; the debugger's are not under it.
  const found = await page.evaluate(`(async () => {
    if (window.axe === undefined) { ${await source()} }
    return (await window.axe.run(document, { resultTypes: ["violations"] })).violations;
  })()`);
  const told = violations.parse(found).map(({ id, help, nodes }) => `${id}: ${help} (${nodes[0]?.html ?? ""})`);
  t.deepEqual(told, [], where);
}

let text: Promise<string> | undefined;
const source = (): Promise<string> => {
  text ??= import("node:fs/promises").then(({ readFile }) => readFile(axe, "utf8"));
  return text;
};
