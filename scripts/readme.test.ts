import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { z } from "zod";
import { parseEnvironment, variableNames } from "../db/environment.ts";
import { markdownTable } from "../db/testing/markdown_table.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string): Promise<string> => readFile(join(root, path), "utf8");
const documents = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"];

const exists = async (pattern: string): Promise<boolean> => {
  for await (const _ of glob(pattern.replace(/\/$/, ""), { cwd: root })) return true;
  return false;
};

/** Those of the names in a document that do not hold. */
const missing = async (names: Iterable<string>, holds: (name: string) => Promise<boolean>): Promise<string[]> => {
  const verdicts = await Promise.all([...new Set(names)].map(async (name) => ({ name, holds: await holds(name) })));
  return verdicts.flatMap((verdict) => (verdict.holds ? [] : [verdict.name]));
};

test("the README's table of variables is the schema's, with its defaults", async (t) => {
  const defaults = new Map(Object.entries(parseEnvironment({})).map(([name, value]) => [name, String(value)]));
  const told = markdownTable(await read("README.md"), "Variable").map(([name = "", value = ""]) => ({
    name,
    value: value.startsWith("none") ? undefined : value,
  }));
  t.deepEqual(
    told,
    variableNames.map((name) => ({ name, value: defaults.get(name) })),
  );
});

for (const document of documents) {
  test(`${document}: every npm command is a script of package.json, and its file is there`, async (t) => {
    const { scripts } = z
      .object({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(await read("package.json")));
    const commands = (await read(document)).matchAll(/\bnpm (?:run (?:--silent )?)?(start|test|(?<=run )[\w:-]+)/g);
    const names = [...commands].map(([, name = ""]) => name);
    t.deepEqual(
      await missing(names, async (name) => {
        const file = /scripts\/\w+\.ts/.exec(scripts[name] ?? "")?.[0];
        return file !== undefined && exists(file);
      }),
      [],
    );
  });

  test(`${document}: every file that it names is there`, async (t) => {
    const text = await read(document);
    const marked = text.matchAll(/`((?:db|tasks|server|scripts)\/[^\s`…]*)`/g);
    const linked = text.matchAll(/\]\((?!https?:)([^)#]+)\)/g);
    const inTrees = text.matchAll(/^((?:db|tasks|server|scripts)\/\S*|crontab) {2,}\S/gm);
    const paths = [...marked, ...linked, ...inTrees].map(([, path = ""]) => path);
    t.deepEqual(await missing(paths, exists), []);
  });
}
