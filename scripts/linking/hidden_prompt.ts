import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { UsageError } from "../usage.ts";

/** A terminal, or what a test gives for one. */
export type Terminal = { input: NodeJS.ReadableStream; output: NodeJS.WritableStream };

/** Asks for one line and shows nothing of what is typed. Throws UsageError on Ctrl-C and where the input ends. */
export function askHidden({ input, output }: Terminal, question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  output.write(`${question}: `);
  return new Promise((resolve, reject) => {
    const give = (what: () => void) => {
      output.write("\n");
      what();
      reader.close();
    };
    reader.once("line", (line) => give(() => resolve(line.trim())));
    reader.once("SIGINT", () => give(() => reject(new UsageError("Stopped; nothing was linked."))));
    // After a line or Ctrl-C this comes too late to matter.
    reader.once("close", () => reject(new UsageError("The input ended before an answer; nothing was linked.")));
  });
}
