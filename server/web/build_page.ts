/**
 * Builds the settings page, if it is not built yet: Vite makes its files from server/web/page, then its service worker,
 * which must know the names of those files. A build is kept under a hash of all that it is made from, so that a start builds
 * only what has changed (about a second), an installation that was built beforehand writes nothing, and nobody ever serves
 * an old page. Built files are no part of the repository: they would have to be reviewed with each change.
 */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, glob, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const folder = import.meta.dirname;
const root = join(folder, "..", "..");
const builds = join(folder, "dist");
const sources = ["index.html", "build_page.ts", "page/**/*.{ts,tsx,css}", "service_worker/**/*.ts", "public/**/*"];

/** What tests are made of. */
const NOT_BUILT_IN = /\.test\.ts$|\/testing\//;

/** Builds that are not the newest are of no use to anybody but an older process that still serves one. */
const KEPT_BUILDS = 2;

export type BuiltPage = { folder: string; version: string };

/**
 * The built page's folder, ready to be served. Several processes may build at once: the first to finish is kept.
 *
 * The building itself is a process of its own, so that Vite is not loaded into every server, and so that its NODE_ENV does
 * not depend on ours: React would be built for development, half as large again.
 */
export async function buildPage(): Promise<BuiltPage> {
  const version = await hashOfSources();
  const built = join(builds, version);
  if (await isThere(built)) return { folder: built, version };
  await promisify(execFile)(process.execPath, [import.meta.filename], {
    env: { ...process.env, NODE_ENV: "production" },
  });
  return { folder: built, version };
}

async function buildVersion(version: string): Promise<void> {
  const built = join(builds, version);
  await mkdir(builds, { recursive: true });
  const draft = await mkdtemp(join(builds, "draft-"));
  try {
    await makeInto(draft, version);
    // The server may run as somebody else than who built.
    await chmod(draft, 0o755);
    await rename(draft, built);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (!(await isThere(built))) throw error;
  }
  await removeOldBuilds(version);
}

async function makeInto(draft: string, version: string): Promise<void> {
  const { build } = await import("vite");
  const common = { root: folder, configFile: false, logLevel: "warn", mode: "production" } as const;
  const target = "baseline-widely-available";
  await build({
    ...common,
    build: { outDir: draft, emptyOutDir: true, target, modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  });
  const files = (await filesIn(draft)).filter((file) => file !== "/index.html");
  await build({
    ...common,
    publicDir: false,
    define: {
      KEPT_FILES: JSON.stringify(files),
      KEPT_VERSION: JSON.stringify(version),
      "process.env.NODE_ENV": '"production"',
    },
    build: {
      outDir: draft,
      emptyOutDir: false,
      target,
      rollupOptions: {
        input: join(folder, "service_worker", "service_worker.ts"),
        output: { format: "iife", entryFileNames: "service_worker.js" },
      },
    },
  });
  await compressAll(draft);
}

/** Sent as they are, so that no request waits for a compressor. */
async function compressAll(draft: string): Promise<void> {
  const brotli = promisify(brotliCompress);
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  for await (const file of glob("**/*.{js,css,html,svg,webmanifest}", { cwd: draft })) {
    const path = join(draft, file);
    const text = await readFile(path);
    await writeFile(`${path}.br`, await brotli(text, quality));
    await writeFile(`${path}.gz`, await promisify(gzip)(text, { level: 9 }));
  }
}

async function hashOfSources(): Promise<string> {
  const hash = createHash("sha256");
  const files = await Array.fromAsync(glob(sources, { cwd: folder }));
  for (const file of files.toSorted()) {
    const path = join(folder, file);
    if ((await stat(path)).isDirectory() || NOT_BUILT_IN.test(file)) continue;
    hash.update(`${file}\0`).update(await readFile(path));
  }
  // And the libraries that are built in.
  hash.update(await readFile(join(root, "package-lock.json")));
  return hash.digest("hex").slice(0, 16);
}

async function filesIn(draft: string): Promise<string[]> {
  const entries = await readdir(draft, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => `/${relative(draft, join(entry.parentPath, entry.name)).replaceAll("\\", "/")}`)
    .toSorted();
}

async function removeOldBuilds(version: string): Promise<void> {
  const names = (await readdir(builds)).filter((name) => name !== version && !name.startsWith("draft-"));
  const aged = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(builds, name)).catch(() => null))?.mtimeMs ?? 0 })),
  );
  const old = aged.toSorted((a, b) => b.at - a.at).slice(KEPT_BUILDS - 1);
  await Promise.all(old.map(({ name }) => rm(join(builds, name), { recursive: true, force: true })));
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

if (import.meta.main) await buildVersion(await hashOfSources());
