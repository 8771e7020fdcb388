import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { z } from "zod";
import { parseArguments } from "./arguments.ts";
import { UsageError } from "./usage.ts";

const options = { platform: { type: "string" }, concurrency: { type: "string" }, json: { type: "boolean" } } as const;
const complaint = (t: ExecutionContext, args: string[], known = true): string =>
  t.throws(() => parseArguments({ args, options: known ? options : {} }), { instanceOf: UsageError })?.message ?? "";

test("what is known is parsed", (t) => {
  const { values } = parseArguments({ args: ["--platform", "mono", "--json"], options });
  t.like(values, { platform: "mono", json: true, concurrency: undefined });
});

test("what is not is told in one sentence, and what was probably meant", (t) => {
  t.is(complaint(t, ["--platfrom", "mono"]), "Unknown option '--platfrom'. Did you mean --platform?");
  t.is(complaint(t, ["--colour=red"]), "Unknown option '--colour'.");
  t.is(complaint(t, ["-x"]), "Unknown option '-x'.");
  t.is(complaint(t, ["mono"]), "Unexpected argument 'mono'.");
  t.is(complaint(t, ["--platform"]), "Option '--platform <value>' argument missing.");
  t.is(complaint(t, ["--platform", "--json"]), "Option '--platform' argument is ambiguous.");
  t.is(complaint(t, ["--json=yes"]), "Option '--json' does not take an argument.");
});

test("a command that takes none says so", (t) => {
  const sentence = "This command takes none: the environment tells it everything.";
  t.is(complaint(t, ["--port", "5000"], false), `Unknown option '--port'. ${sentence}`);
  t.is(complaint(t, ["5000"], false), `Unexpected argument '5000'. ${sentence}`);
});

/** They have one way to run, and whoever runs them reads their code. */
const forDevelopers = new Set(["scripts/check.ts", "scripts/format.ts", "scripts/draw_icons.ts"]);

test("no command that operators run ignores its arguments", async (t) => {
  const root = join(import.meta.dirname, "..");
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await readFile(join(root, "package.json"), "utf8")));
  const files = new Set(Object.values(scripts).flatMap((line) => line.match(/scripts\/\w+\.ts/g) ?? []));
  t.true(files.has("scripts/start.ts"));
  for (const file of files) {
    if (forDevelopers.has(file)) continue;
    const text = await readFile(join(root, file), "utf8");
    t.true(/takesNoArguments\(|readCommandLine\(|process\.argv|parseArg/.test(text), file);
  }
});
