/** Searches what a run of AVA prints: what test processes write to their standard output and error, titles, and t.log(). */

import { relative } from "node:path";
import { canariesIn, describeCanary } from "./catalogue.ts";
import { tellRun } from "./ledger.ts";
import { isMeant } from "./meant.ts";

/** The part of AVA's events that carries words. What a failed assertion compares is left out: that run is red already. */
export type PrintingEvent = { type: string; testFile?: string; chunk?: Uint8Array; title?: string; logs?: string[] };

export class PrintedCanaries {
  /** The lines that test files have begun on either stream: a chunk may end within a word. */
  readonly #begun = new Map<string, { file: string; text: string }>();
  readonly #tell: typeof tellRun;
  #printed = 0;

  constructor(tell = tellRun) {
    this.#tell = tell;
  }

  hear(event: PrintingEvent): void {
    const file = relative(process.cwd(), event.testFile ?? "");
    if (event.type === "worker-stdout" || event.type === "worker-stderr") this.#hearOutput(file, event);
    else this.#hearWords(file, [event.title ?? "", ...(event.logs ?? [])].join("\n"));
  }

  /** Nothing more comes: searches the lines that were begun, and tells how much was printed. */
  end(): void {
    for (const { file, text } of this.#begun.values()) this.#search(file, "its output", text);
    this.#tell({ searched: { printed: this.#printed } });
  }

  #hearOutput(file: string, { type, chunk }: PrintingEvent): void {
    this.#printed += chunk?.length ?? 0;
    const stream = `${type} ${file}`;
    const text = (this.#begun.get(stream)?.text ?? "") + Buffer.from(chunk ?? []).toString();
    const end = text.lastIndexOf("\n") + 1;
    this.#begun.set(stream, { file, text: text.slice(end) });
    this.#search(file, "its output", text.slice(0, end));
  }

  #hearWords(file: string, words: string): void {
    this.#printed += words.length;
    this.#search(file, "a title or t.log", words);
  }

  #search(file: string, source: string, text: string): void {
    for (const canary of canariesIn(text)) {
      if (isMeant(file, source, canary)) continue;
      const line = text.split("\n").find((candidate) => candidate.includes(canary.value));
      this.#tell({ found: `${file}: ${source} holds ${describeCanary(canary)}: ${line ?? ""}` });
    }
  }
}
