import { mkdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import pixelmatch from "pixelmatch";
import type { Locator, Page } from "playwright-core";
import { PNG } from "pngjs";

const folder = join(import.meta.dirname, "..", "pictures");

/**
 * Of all pixels, as many may differ. Chromium and fonts come from npm, so another machine should draw the very same; what
 * is left over is for its floating point. A word that changes is more than that.
 */
const TOLERANCE = 0.002;

/**
 * Compares what is seen with the picture that was looked at and accepted. ACCEPT_PICTURES=1 writes it instead: look at
 * what `git diff` shows before you commit it.
 */
export async function looksAsBefore(t: ExecutionContext, name: string, seen: Locator | Page): Promise<void> {
  const actual = await seen.screenshot({ animations: "disabled", caret: "hide", scale: "css" });
  const path = join(folder, `${name}.png`);
  if (process.env["ACCEPT_PICTURES"] === "1") {
    await mkdir(folder, { recursive: true });
    await writeFile(path, smallest(actual));
    t.pass();
    return;
  }
  const accepted = await readFile(path).catch(() => null);
  if (accepted === null) {
    t.fail(`there is no picture ${name}; ACCEPT_PICTURES=1 makes it`);
    return;
  }
  const [a, b] = [PNG.sync.read(accepted), PNG.sync.read(actual)];
  if (a.width !== b.width || a.height !== b.height) {
    t.fail(`${name} is ${b.width}×${b.height}, and was ${a.width}×${a.height}: ${await keep(name, actual)}`);
    return;
  }
  const difference = new PNG({ width: a.width, height: a.height });
  const pixels = pixelmatch(a.data, b.data, difference.data, a.width, a.height, { threshold: 0.15 });
  const share = pixels / (a.width * a.height);
  if (share <= TOLERANCE) t.pass();
  else {
    const where = await keep(`${name}.difference`, PNG.sync.write(difference));
    t.fail(`${name} looks different: ${pixels} pixels, see ${where} and ${await keep(name, actual)}`);
  }
}

async function keep(name: string, picture: Buffer): Promise<string> {
  const path = join(tmpdir(), `tidemark-picture-${name}.png`);
  await writeFile(path, picture);
  return path;
}

/** In few shades, which the comparison does not mind: half of a picture's size is the soft edges of its letters. */
const SHADES = 12;

/** Small enough to live in the repository: about ten kilobytes. */
function smallest(picture: Buffer): Buffer {
  const image = PNG.sync.read(picture);
  const step = 255 / (SHADES - 1);
  for (const [at, value] of image.data.entries()) image.data[at] = Math.round(Math.round(value / step) * step);
  return PNG.sync.write(image, { colorType: 2, deflateLevel: 9, filterType: -1 });
}
