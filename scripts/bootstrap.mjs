/**
 * The door of every npm script: node scripts/bootstrap.mjs scripts/start.ts [arguments].
 *
 * It runs on whatever Node the machine has and needs nothing installed. It installs what package-lock.json asks for, if
 * that is not there yet, and hands over to the Node 24 that npm put into node_modules.
 */

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const binaries = join(root, "node_modules", ".bin");
const installedLockfile = join(root, "node_modules", ".package-lock.json");
const isWindows = process.platform === "win32";
const nodeFile = join(root, "node_modules", "node", "bin", isWindows ? "node.exe" : "node");
const [script, ...scriptArguments] = process.argv.slice(2);

if (majorOf(process.version) < 20) {
  giveUp(`Tidemark needs Node 20 or newer to begin with (it brings its own for the rest); this is ${process.version}.`);
} else if (script === undefined) {
  giveUp("Usage: node scripts/bootstrap.mjs SCRIPT [ARGUMENTS]");
} else {
  if (!isInstalled()) install();
  handOver(nodeOfProject());
}

/**
 * Whether node_modules is what package-lock.json describes: npm leaves a lockfile of its own there when it has finished.
 * Packages for other platforms may be missing, and so may all development packages, as `npm ci --omit=dev` leaves it,
 * unless the script is one for developers.
 */
function isInstalled() {
  const wanted = readJson(join(root, "package-lock.json")).packages;
  let present;
  try {
    present = readJson(installedLockfile).packages;
  } catch {
    return false;
  }
  const isForDevelopers = /(?:test|check|format|gen|draw_icons|bench)\.ts$/.test(script);
  const developmentIsOmitted = !Object.values(present).some((entry) => entry.dev === true);
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "" || entry.link === true) return true;
    const found = present[path];
    if (found !== undefined) return found.version === entry.version;
    return (
      entry.optional === true ||
      entry.devOptional === true ||
      (entry.dev === true && developmentIsOmitted && !isForDevelopers)
    );
  });
}

/**
 * Not `npm ci`: that refuses a lockfile without the packages of every platform. Ours has them today, but a registry that
 * lacks some of them makes one that has not. This installs the same versions, checks the same hashes, and leaves the lockfile alone.
 */
function install() {
  console.error("Installing what is missing: a minute or more, the first time …");
  // No lockfile of npm's own in there: an install was interrupted, and half a package looks like a whole one.
  if (!existsSync(installedLockfile)) rmSync(join(root, "node_modules"), { recursive: true, force: true });
  const npm = spawnSync("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    // npm's own programs must not run on the Node that is being replaced.
    env: { ...process.env, PATH: withoutOurBinaries(process.env.PATH || "") },
    // What npm says is not what the script says: `npm test | tail -1` must show the script's last line.
    stdio: ["ignore", 2, 2],
    shell: isWindows,
  });
  if (npm.error !== undefined) {
    giveUp(
      npm.error.code === "ENOENT"
        ? "npm is not on the PATH; install Node 20 or newer with npm, then try again."
        : `npm could not be run: ${npm.error.message}.`,
    );
  }
  if (npm.signal !== null) process.exit(128 + constants.signals[npm.signal]);
  if (npm.status !== 0) {
    giveUp(
      "The packages could not be installed (npm says why above); is the network there? Run the same command again then.",
    );
  }
}

/** The Node to run the script with. Ours, or the machine's if that is as new and ours did not come. */
function nodeOfProject() {
  const isOurs = isSameFile(process.execPath, nodeFile);
  const version = isOurs ? process.version : spawnSync(nodeFile, ["--version"], { encoding: "utf8" }).stdout || "";
  if (majorOf(version) >= 24) return nodeFile;
  if (majorOf(process.version) >= 24) return process.execPath;
  return giveUp(
    "The npm package `node` did not bring Node 24, probably because npm was told not to run install scripts; " +
      "allow them (npm config set ignore-scripts false), delete node_modules and try again, or use Node 24 yourself.",
  );
}

function handOver(node) {
  const path = `${binaries}${delimiter}${withoutOurBinaries(process.env.PATH || "")}`;
  const env = { ...process.env, PATH: path };
  const file = join(root, script);
  // Becoming the script is best: signals, the terminal and the exit code are then its own.
  if (typeof process.execve === "function" && !isWindows) process.execve(node, [node, file, ...scriptArguments], env);
  else accompany(spawn(node, [file, ...scriptArguments], { stdio: "inherit", env, detached: !isWindows }));
}

/**
 * Node before 22.15 cannot become another program, so the script runs beside us. It has a process group of its own:
 * Ctrl-C reaches us from the terminal and once more from npm, and the script gets it once, from us.
 */
function accompany(child) {
  const lastSent = new Map();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      const now = Date.now();
      if (now - (lastSent.get(signal) || 0) > 300) child.kill(signal);
      lastSent.set(signal, now);
    });
  }
  child.on("error", (error) => giveUp(`${script} could not be started: ${error.message}.`));
  child.on("exit", (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
}

function withoutOurBinaries(path) {
  return path
    .split(delimiter)
    .filter((folder) => folder !== binaries)
    .join(delimiter);
}

function isSameFile(one, other) {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}

function majorOf(version) {
  return Number.parseInt(version.replace("v", ""), 10) || 0;
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

function giveUp(sentence) {
  console.error(sentence);
  process.exit(1);
}
