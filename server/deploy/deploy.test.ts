import { spawnSync } from "node:child_process";
import { glob, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import test from "ava";
import dockerfile from "dockerfile-utils";
import { z } from "zod";
import { variableNames } from "../../db/environment.ts";

const folder = import.meta.dirname;
const root = join(folder, "../..");
const read = (path: string): Promise<string> => readFile(join(folder, path), "utf8");

const units = ["systemd/tidemark-server.service", "systemd/tidemark-worker@.service"];
const lintResults = z.array(
  z.object({ messages: z.array(z.object({ line: z.number(), rule: z.string(), message: z.string() })) }),
);
const everything = ["Dockerfile", "compose.yaml", ...units];

test("the Dockerfile has no problem that its linter knows", async (t) => {
  const lint = (text: string) => dockerfile.validate(text).map(({ message, range }) => [range.start.line, message]);
  t.deepEqual(lint(await read("Dockerfile")), []);
  t.is(lint("FROM node\nRUNN true").length, 1, "the linter is at work");
});

test("the compose file is one, and has no problem that its linter knows", async (t) => {
  const lint = (file: string): string[] => {
    const args = [
      join(root, "node_modules/dclint/bin/dclint.cjs"),
      "-f",
      "json",
      "-c",
      join(folder, ".dclintrc"),
      file,
    ];
    const { stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
    return lintResults
      .parse(JSON.parse(stdout))
      .flatMap(({ messages }) => messages.map(({ line, rule, message }) => `${line} ${rule}: ${message}`));
  };
  t.deepEqual(lint(join(folder, "compose.yaml")), []);

  const place = await mkdtemp(join(tmpdir(), "tidemark-compose-"));
  t.teardown(() => rm(place, { recursive: true, force: true }));
  const slip = join(place, "compose.yaml");
  await writeFile(slip, (await read("compose.yaml")).replace("restart: unless-stopped", "restarrt: unless-stopped"));
  t.not(lint(slip).length, 0, "the linter is at work");
});

test("every script that they start is there, and Node is the one of package.json", async (t) => {
  const { dependencies } = z
    .object({ dependencies: z.object({ node: z.string() }) })
    .parse(JSON.parse(await readFile(join(root, "package.json"), "utf8")));
  const bases = [...(await read("Dockerfile")).matchAll(/^FROM node:([\d.]+)-/gm)].map(([, version]) => version);
  t.deepEqual([...new Set(bases)], [dependencies.node]);
  const texts = await Promise.all(everything.map(read));
  const scripts = new Set(texts.join("\n").match(/\b(?:scripts|server)\/[\w/]+\.ts\b/g));
  t.true(scripts.has("scripts/worker.ts") && scripts.has("scripts/server.ts") && scripts.has("scripts/db_migrate.ts"));
  for (const script of scripts) {
    const found = [];
    for await (const path of glob(script, { cwd: root })) found.push(path);
    t.deepEqual(found, [script]);
  }
});

test("every variable of ours that they set is one that we read", async (t) => {
  const texts = await Promise.all(everything.map(read));
  const named = texts.join("\n").match(/\b(?:TIDEMARK|MONO|MOMO|MADAPI|JWT)_[A-Z_]+\b/g) ?? [];
  t.true(named.length > 2);
  t.deepEqual(
    named.filter((name) => !variableNames.some((known) => known === name)),
    [],
  );
});

/** Debian's systemd has it. Where it is not there, this is counted as skipped. */
const withSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0 ? test : test.skip;

withSystemd("systemd takes the units as they are, but for where they lie", async (t) => {
  const place = await mkdtemp(join(tmpdir(), "tidemark-units-"));
  t.teardown(() => rm(place, { recursive: true, force: true }));
  const verify = async (path: string, change = (text: string) => text): Promise<string> => {
    const file = join(place, basename(path).replace("@.", "@mono."));
    const here = (await read(path)).replaceAll("/opt/tidemark/node_modules/node/bin/node", process.execPath);
    await writeFile(file, change(here.replaceAll("/opt/tidemark", root)));
    const { stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
    // It reads the machine's own units as well: what is said of those is not ours to mend.
    return `${stdout}${stderr}`
      .split("\n")
      .filter((line) => line.includes("tidemark-"))
      .join("\n");
  };
  for (const unit of units) t.is(await verify(unit), "", unit);
  t.not(await verify(units[0] ?? "", (text) => text.replace("Restart=always", "Restarrt=always")), "", "it is at work");
});
