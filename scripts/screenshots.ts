/**
 * `npm run screenshots`: the two pictures of README, of a demo of its own: Ada, whose consent at one bank has just ended, and
 * Kofi on a phone, in the dark. It takes a minute, and PORT and the five after it (4190 unless set).
 */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { openBrowser, openPerson } from "../server/web/testing/browser.ts";
import { takesNoArguments } from "./arguments.ts";
import { exitWithSentence } from "./usage.ts";

const root = join(import.meta.dirname, "..");
const pictures = join(root, "server", "web", "pictures");
const { PORT = "4190" } = process.env;
const PATIENCE = { timeout: 300_000 };

async function main(): Promise<void> {
  takesNoArguments(
    "npm run screenshots: draws README's two pictures, of a demo of its own on PORT (4190 unless set). Takes a minute.",
  );
  const data = await mkdtemp(join(tmpdir(), "tidemark-screenshots-"));
  // Where we are root, Postgres runs as another user, who must be able to enter.
  await chmod(data, 0o755);
  const { DATABASE_URL: _, ...environment } = process.env;
  const env = { ...environment, PORT, TIDEMARK_DATA: data };
  const demo = spawn(process.execPath, [join(root, "scripts", "start.ts")], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const browser = await openBrowser();
  try {
    await hasStarted(demo);
    const ada = await signIn(browser, "Ada", { viewport: { width: 820, height: 900 } });
    const kofi = await signIn(browser, "Kofi", { viewport: { width: 390, height: 780 }, colorScheme: "dark" });
    for (const page of [ada, kofi]) await page.locator(".phase-up_to_date").nth(2).waitFor(PATIENCE);
    await promisify(execFile)(process.execPath, [join(root, "scripts", "demo.ts"), "expire-consent", "Everyday"], {
      env,
    });
    await ada.locator(".phase-needs_you").waitFor(PATIENCE);
    // What it says is on the card.
    await ada.getByRole("button", { name: "Dismiss" }).click(PATIENCE);
    await draw(ada, "readme_desktop", true);
    await draw(kofi, "readme_phone", false);
  } finally {
    await browser.close();
    if (demo.exitCode === null && demo.kill("SIGINT")) await once(demo, "exit");
    await rm(data, { recursive: true, force: true });
  }
}

/** @throws when it ends instead, after it has said why */
async function hasStarted(demo: ChildProcess): Promise<void> {
  const ended = once(demo, "exit").then(() => Promise.reject(new Error("The demo did not start.")));
  const told = new Promise<void>((resolve) => {
    demo.stdout?.on("data", (text: Buffer) => {
      if (text.includes("Ctrl-C stops it")) resolve();
    });
  });
  await Promise.race([told, ended]);
  ended.catch(() => undefined); // Later it is meant to.
}

async function signIn(browser: Browser, name: string, options: BrowserContextOptions): Promise<Page> {
  const page = await (await openPerson(browser, options)).newPage();
  await page.goto(`http://localhost:${PORT}/`);
  await page.getByText(`Continue as ${name}`).click(PATIENCE);
  return page;
}

async function draw(page: Page, name: string, fullPage: boolean): Promise<void> {
  const path = join(pictures, `${name}.png`);
  await page.evaluate("document.fonts.ready");
  await page.screenshot({ path, fullPage, animations: "disabled" });
  console.log(`${relative(root, path)}: drawn`);
}

main().catch(exitWithSentence);
