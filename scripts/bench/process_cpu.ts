import { readdir, readFile } from "node:fs/promises";

/** Linux counts processor time in hundredths of a second, whatever the kernel's own tick (man 5 proc_pid_stat). */
const MS_PER_TICK = 10;

/** Milliseconds of processor time that these processes and their children have used so far; null where there is no /proc. */
export async function cpuMilliseconds(processIds: readonly number[]): Promise<number | null> {
  try {
    const children = await childrenOf(processIds);
    const spent = await Promise.all([...processIds, ...children].map(ticksOf));
    return spent.reduce((sum, ticks) => sum + ticks, 0) * MS_PER_TICK;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** Milliseconds that workers and Postgres have used so far; NaN where they cannot be had. */
export async function processorTime(
  workers: readonly number[],
  postgres: number,
): Promise<{ node: number; postgres: number }> {
  const [node, database] = [await cpuMilliseconds(workers), await cpuMilliseconds([postgres])];
  return { node: node ?? NaN, postgres: database ?? NaN };
}

async function childrenOf(parents: readonly number[]): Promise<number[]> {
  const all = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const fields = await Promise.all(all.map(async (id) => ({ id, parent: (await statOf(id))?.[1] })));
  return fields.filter(({ parent }) => parents.includes(Number(parent))).map(({ id }) => id);
}

/** User and system time of a process, and of its children that have ended. */
async function ticksOf(processId: number): Promise<number> {
  const fields = await statOf(processId);
  return fields === null ? 0 : [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
}

/** The fields after the process's name, which may hold blanks: state, parent, …; null when it is gone. */
async function statOf(processId: number): Promise<string[] | null> {
  try {
    const text = await readFile(`/proc/${processId}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null; // It ended meanwhile.
  }
}

/** Bytes of memory that a process holds now, and the most it ever held. */
export async function memoryOf(processId: number): Promise<{ now: number; most: number }> {
  const text = await readFile(`/proc/${processId}/status`, "utf8");
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) * 1024;
  return { now: field("VmRSS"), most: field("VmHWM") };
}
