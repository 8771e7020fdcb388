import { type ChildProcess, spawn } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { type ExecutionContext } from "ava";

type Project = { folder: string; script: (name: string, code: string) => Promise<void> };

const installed = { packages: { "": {}, "node_modules/a": { version: "1.0.0" } } };

/** A small project with the real bootstrap.mjs, whose node_modules hold what its lockfile says. */
async function makeProject(t: ExecutionContext): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-bootstrap-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "scripts"));
  await mkdir(join(folder, "node_modules", "node", "bin"), { recursive: true });
  await copyFile(join(import.meta.dirname, "bootstrap.mjs"), join(folder, "scripts", "bootstrap.mjs"));
  await symlink(process.execPath, join(folder, "node_modules", "node", "bin", "node"));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  await writeFile(join(folder, "package-lock.json"), JSON.stringify(installed));
  await writeFile(join(folder, "node_modules", ".package-lock.json"), JSON.stringify(installed));
  return { folder, script: (name, code) => writeFile(join(folder, "scripts", name), code) };
}

/** An npm that runs `code` instead of installing; alone on the PATH with what a shell script needs. */
async function fakeNpm({ folder }: Project, code: string): Promise<string> {
  const bin = join(folder, "fake");
  await mkdir(bin);
  await writeFile(join(bin, "npm"), `#!/bin/sh\n${code}\n`);
  await chmod(join(bin, "npm"), 0o755);
  return bin;
}

type Run = { args?: string[]; path?: string; oldNode?: boolean };

/** As `npm run` would start it. An old Node is one that cannot become another program. */
function launch({ folder }: Project, { args = [], path = process.env.PATH, oldNode = false }: Run): ChildProcess {
  const flags = oldNode ? ["--import", "data:text/javascript,process.execve=undefined"] : [];
  return spawn(process.execPath, [...flags, join(folder, "scripts", "bootstrap.mjs"), "scripts/script.ts", ...args], {
    env: { ...process.env, PATH: path },
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own, so that a test can press Ctrl-C for all of it.
    detached: true,
  });
}

type Outcome = { code: number | null; stdout: string; stderr: string };

function outcomeOf(child: ChildProcess): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

for (const oldNode of [false, true]) {
  const node = oldNode ? "an old Node" : "a new Node";

  test(`${node}: arguments, PATH and exit code pass through`, async (t) => {
    const project = await makeProject(t);
    await project.script(
      "script.ts",
      'const first: string = process.env.PATH?.split(":")[0] ?? ""; console.log(first, process.argv.slice(2)); process.exit(7);',
    );
    const { code, stdout } = await outcomeOf(launch(project, { args: ["--title", "two words"], oldNode }));
    t.is(code, 7);
    t.is(stdout.trim(), `${join(project.folder, "node_modules", ".bin")} [ '--title', 'two words' ]`);
  });

  test(`${node}: Ctrl-C reaches the script once, and nobody dies before it has stopped`, async (t) => {
    const project = await makeProject(t);
    await project.script(
      "script.ts",
      `let times = 0;
       const life = setInterval(() => {}, 1000);
       process.on("SIGINT", () => {
         times += 1;
         if (times === 1) setTimeout(() => { clearInterval(life); console.log("stopped after", times); }, 200);
       });
       console.log("running");`,
    );
    const child = launch(project, { oldNode });
    const outcome = outcomeOf(child);
    if (child.stdout === null || child.pid === undefined) throw new TypeError("the child runs and its stdout is piped");
    await new Promise((resolve) => createInterface({ input: child.stdout ?? process.stdin }).once("line", resolve));
    // The terminal tells the whole group; npm then tells its child once more.
    process.kill(-child.pid, "SIGINT");
    if (oldNode) child.kill("SIGINT");
    const { code, stdout } = await outcome;
    t.is(code, 0);
    t.is(stdout, "running\nstopped after 1\n");
  });
}

test("what is missing is installed, once, and stdout stays the script's", async (t) => {
  const project = await makeProject(t);
  await project.script("script.ts", 'console.log("here");');
  const lockfile = join(project.folder, "node_modules", ".package-lock.json");
  await writeFile(lockfile, JSON.stringify({ packages: { "node_modules/a": { version: "0.9.0" } } }));
  const path = await fakeNpm(project, `echo "npm $*"; echo '${JSON.stringify(installed)}' > ${lockfile}`);
  const first = await outcomeOf(launch(project, { path }));
  t.is(first.stdout, "here\n");
  t.regex(first.stderr, /Installing what is missing.*\nnpm install --no-save/);
  const second = await outcomeOf(launch(project, { path }));
  t.deepEqual([second.stdout, second.stderr], ["here\n", ""]);
});

test("packages of other platforms, and all development packages together, may be missing", async (t) => {
  const project = await makeProject(t);
  await project.script("script.ts", 'console.log("here");');
  await project.script("test.ts", 'console.log("here");');
  const wanted = {
    packages: {
      ...installed.packages,
      "node_modules/darwin": { version: "1.0.0", optional: true },
      "node_modules/linter": { version: "1.0.0", dev: true },
    },
  };
  await writeFile(join(project.folder, "package-lock.json"), JSON.stringify(wanted));
  const path = await fakeNpm(project, "exit 1");
  t.is((await outcomeOf(launch(project, { path }))).stdout, "here\n");

  const partial = { packages: { ...installed.packages, "node_modules/other": { version: "1.0.0", dev: true } } };
  await writeFile(join(project.folder, "node_modules", ".package-lock.json"), JSON.stringify(partial));
  t.is((await outcomeOf(launch(project, { path }))).code, 1);
});

test("a failed installation and a missing npm are said in a sentence", async (t) => {
  const project = await makeProject(t);
  await project.script("script.ts", 'console.log("here");');
  await rm(join(project.folder, "node_modules", ".package-lock.json"));
  const offline = await outcomeOf(launch(project, { path: await fakeNpm(project, 'echo "ENOTFOUND" >&2; exit 1') }));
  t.is(offline.code, 1);
  t.regex(offline.stderr, /ENOTFOUND\nThe packages could not be installed .*network/);
  const bare = await outcomeOf(launch(project, { path: "/nowhere" }));
  t.is(bare.code, 1);
  t.regex(bare.stderr, /npm is not on the PATH/);
});

test("without a Node of its own it uses the machine's, if that is new enough", async (t) => {
  const project = await makeProject(t);
  await project.script("script.ts", "console.log(process.version);");
  await rm(join(project.folder, "node_modules", "node"), { recursive: true });
  t.is((await outcomeOf(launch(project, {}))).stdout, `${process.version}\n`);
});
