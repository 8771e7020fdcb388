import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { pageDocuments } from "./gen_page_documents.ts";

test("the page's questions are those of its operations.graphql, and the API answers them", async (t) => {
  const path = "server/web/page/graphql/operations.ts";
  const committed = await readFile(join(import.meta.dirname, "..", path), "utf8");
  t.true(committed === (await pageDocuments()), `${path} is out of date; npm run gen makes it anew`);
});
