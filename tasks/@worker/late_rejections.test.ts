import { execFile } from "node:child_process";
import { join } from "node:path";
import test from "ava";

/** A process in which nobody handles a rejection with these words. */
const rejected = (words: string): Promise<{ code: number | null; said: string }> =>
  new Promise((resolve) => {
    const program = `
      import { createLog } from ${JSON.stringify(join(import.meta.dirname, "../../db/log.ts"))};
      import { surviveEndedPools } from ${JSON.stringify(join(import.meta.dirname, "late_rejections.ts"))};
      surviveEndedPools(createLog({ level: "info" }));
      void Promise.reject(new Error(${JSON.stringify(words)}));
      setTimeout(() => console.log("lives on"), 50);`;
    const child = execFile(process.execPath, ["--input-type=module", "--eval", program], (_error, out, err) =>
      resolve({ code: child.exitCode, said: out + err }),
    );
  });

test("what a pool leaves behind when it ends does not end the process, and is told", async (t) => {
  const { code, said } = await rejected("This batcher has been released, and so no more calls can be made.");
  t.is(code, 0, said);
  t.regex(said, /its jobs are freed/);
  t.regex(said, /lives on/);
});

test("any other rejection that nobody handles ends it, as before", async (t) => {
  const { code, said } = await rejected("no such thing");
  t.not(code, 0);
  t.regex(said, /no such thing/);
  t.notRegex(said, /lives on/);
});
