/** What is wrong with package.json and its lockfile, before anything is run with them. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const dependencies = z.record(z.string(), z.string()).default({});
const manifest = z.object({ dependencies, devDependencies: dependencies });
const lockfile = z.object({ packages: z.object({ "": manifest }) });

const exactVersion = /^(?:npm:[^@]+@|npm:@[^@]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/;

/**
 * One sentence per problem. Versions are exact, because npm on an old Node quietly picks older majors from a range; and
 * the lockfile knows the same ones, because `npm ci` stops otherwise.
 */
export async function packageProblems(root: string): Promise<string[]> {
  const wanted = manifest.parse(await readJson(join(root, "package.json")));
  const locked = lockfile.parse(await readJson(join(root, "package-lock.json"))).packages[""];
  const problems: string[] = [];
  for (const kind of ["dependencies", "devDependencies"] as const) {
    for (const [name, version] of Object.entries(wanted[kind])) {
      if (!exactVersion.test(version)) problems.push(`package.json: ${name} is "${version}", not one exact version`);
      if (locked[kind][name] !== version)
        problems.push(`package-lock.json: ${name} is not at ${version}; run npm install`);
    }
  }
  return problems;
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, "utf8"));
}
