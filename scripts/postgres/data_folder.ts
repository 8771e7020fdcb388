/** One Postgres data folder on disk: who owns it, its password, its first filling, and whether a server uses it. */

import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { type PostgresVersion, sharedStateFolder } from "./native_files.ts";
import { type SystemUser, findSystemUser, isRoot, runAs, unprivilegedUser } from "./system_user.ts";

/** The folder cannot be used as it is; the message says why and what to do. */
export class DataFolderError extends Error {
  override name = "DataFolderError";
}

/** A server is running on this folder already. */
export class DataFolderInUseError extends Error {
  override name = "DataFolderInUseError";
}

/** Where the data really is, and who runs Postgres on it: undefined means whoever we are. */
export type DataFolder = { path: string; user: SystemUser | undefined };

/**
 * The folder to use for `wanted`. As root it may lie where Postgres's user cannot enter; then a folder of its own is
 * used below {@link sharedStateFolder}, always the same one for the same path. Not /var/tmp: systemd empties that
 * of files unused for 30 days, which a table's file may well be.
 */
export async function placeDataFolder(wanted: string): Promise<DataFolder> {
  await mkdir(dirname(wanted), { recursive: true });
  if (!isRoot()) return { path: wanted, user: undefined };
  const owner = await ownerOf(wanted);
  // Whoever filled the folder keeps running it, so a clone used by its owner and by root in turn works for both.
  const user = (owner === undefined || owner === 0 ? undefined : findSystemUser(String(owner))) ?? unprivilegedUser();
  if (canEnter(user, dirname(wanted))) return { path: wanted, user };
  const hash = createHash("sha256").update(wanted).digest("hex").slice(0, 12);
  const path = join(sharedStateFolder, hash, basename(wanted));
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await chmod(sharedStateFolder, 0o755);
  await chmod(dirname(path), 0o755);
  return { path, user };
}

async function ownerOf(path: string): Promise<number | undefined> {
  const info = await stat(path).catch(() => undefined);
  return info?.uid;
}

function canEnter(user: SystemUser, folder: string): boolean {
  return spawnSync("sh", ["-c", 'test -x "$1"', "sh", folder], { ...runAs(user), stdio: "ignore" }).status === 0;
}

/** Reads the password file, or writes a new one (mode 0600) when `mayGenerate`. Throws {@link DataFolderError}. */
export async function readOrGeneratePassword(file: string, mayGenerate: boolean): Promise<string> {
  const known = await readFile(file, "utf8").catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (known !== undefined && known.trim() !== "") return known.trim();
  if (!mayGenerate) {
    throw new DataFolderError(
      `${file}, the password of the Postgres data beside it, is missing; restore it or delete both`,
    );
  }
  const password = randomBytes(24).toString("base64url");
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
}

/** True when the folder holds a cluster, false when it is missing or empty. Throws {@link DataFolderError} for anything else. */
export async function holdsCluster(path: string, version: PostgresVersion): Promise<boolean> {
  let names: string[];
  try {
    names = await readdir(path);
  } catch (cause) {
    if (isMissing(cause)) return false;
    throw new DataFolderError(`The Postgres data in ${path} cannot be read; does it belong to another user?`, {
      cause,
    });
  }
  if (names.length === 0) return false;
  if (!names.includes("PG_VERSION")) {
    throw new DataFolderError(`${path} holds files that are not Postgres data; it is left as it is`);
  }
  const found = (await readFile(join(path, "PG_VERSION"), "utf8")).trim();
  if (found !== String(version)) {
    throw new DataFolderError(
      `${path} was made by Postgres ${found}, not ${version}; use another folder or that version`,
    );
  }
  return true;
}

export type NewCluster = {
  folder: DataFolder;
  version: PostgresVersion;
  /** Folder with bin/initdb. */
  nativeFolder: string;
  password: string;
  /** False skips fsync: for data that nobody will miss. */
  durable: boolean;
};

/** Runs initdb. The folder gets its name only when it is complete, so an interrupted initdb leaves no half cluster. */
export async function createCluster({ folder, version, nativeFolder, password, durable }: NewCluster): Promise<void> {
  const { path, user } = folder;
  const unfinished = `${path}.unfinished`;
  const secrets = await mkdtemp(join(tmpdir(), "tidemark-initdb-"));
  try {
    const passwordFile = join(secrets, "password");
    await writeFile(passwordFile, password, { mode: 0o600 });
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { mode: 0o700 });
    if (user !== undefined) {
      for (const ours of [unfinished, secrets, passwordFile]) await chown(ours, user.uid, user.gid);
    }
    const { code, output } = await run(
      join(nativeFolder, "bin", "initdb"),
      [
        `--pgdata=${unfinished}`,
        "--username=postgres",
        `--pwfile=${passwordFile}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        ...localeFlags(version),
        ...(durable ? [] : ["--no-sync"]),
      ],
      user,
    );
    if (code !== 0) throw new DataFolderError(`Postgres data cannot be made in ${path}: ${lastLines(output)}`);
    await rm(path, { recursive: true, force: true });
    await rename(unfinished, path);
  } finally {
    await rm(secrets, { recursive: true, force: true });
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** Sorting and case rules that do not depend on the machine; before Postgres 17 the nearest that the C library has. */
function localeFlags(version: PostgresVersion): string[] {
  if (version >= 17) return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"];
  return [process.platform === "linux" ? "--locale=C.UTF-8" : "--locale=C"];
}

/**
 * Clears a postmaster.pid that a killed server left behind, and throws {@link DataFolderInUseError} when that server
 * lives. Postgres does the first by itself unless the number has since gone to another process (common in containers,
 * where numbers are small) or to a zombie: then it would refuse for ever.
 */
export async function clearStalePidFile({ path }: DataFolder): Promise<void> {
  const file = join(path, "postmaster.pid");
  // A server whose starter was just killed is being stopped by its watchdog: wait for that rather than refuse.
  for (let waited = 0; ; waited += 50) {
    const { pid, stopping } = await readPidFile(path);
    if (pid === undefined) return;
    if (!(await isPostgresOn(pid, path))) {
      if (isAlive(pid)) await rm(file, { force: true });
      return;
    }
    if (waited > (stopping ? 30_000 : 3000)) {
      throw new DataFolderInUseError(`The Postgres data in ${path} is in use by process ${pid}; stop that one first`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What postmaster.pid says: its first line is the process, its eighth the state (starting, stopping, ready). */
export async function readPidFile(path: string): Promise<{ pid?: number; ready: boolean; stopping: boolean }> {
  const text = await readFile(join(path, "postmaster.pid"), "utf8").catch((error: unknown) => {
    if (isMissing(error)) return "";
    throw error;
  });
  const lines = text.split("\n").map((line) => line.trim());
  const pid = Number(lines[0]);
  const state = lines[7];
  const flags = { ready: state === "ready", stopping: state === "stopping" };
  return Number.isInteger(pid) && pid > 0 ? { pid, ...flags } : flags;
}

/** Whether a Postgres server on this very folder has that process id. A zombie has no command line and does not count. */
async function isPostgresOn(pid: number, path: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const commandLine =
    process.platform === "linux"
      ? await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")
      : spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" }).stdout;
  return commandLine.includes("postgres") && commandLine.includes(path);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Runs a program to its end and keeps what it says. */
function run(
  program: string,
  args: string[],
  user: SystemUser | undefined,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...runAs(user),
      env: postgresEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

/** PGDATA, PGPORT or a French LC_MESSAGES of the caller must not reach our server. */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" };
}

export function lastLines(text: string, count = 6): string {
  return text.trim().split("\n").slice(-count).join(" | ");
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
