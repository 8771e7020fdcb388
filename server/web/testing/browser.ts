import chromium from "@sparticuz/chromium";
import { type Browser, chromium as launcher } from "playwright-core";

/** A Chromium from npm: the same on every machine, and none is installed. Whoever opens it closes it. */
export async function openBrowser(): Promise<Browser> {
  return launcher.launch({
    executablePath: await chromium.executablePath(),
    args: [
      ...chromium.args.filter((arg) => !TOO_MUCH.test(arg)),
      "--font-render-hinting=none",
      "--force-color-profile=srgb",
    ],
    headless: true,
  });
}

/** Meant for one page in a lambda: several pages and contexts, and service workers, need processes of their own. */
const TOO_MUCH =
  /^--(?:single-process|no-zygote|headless|disable-web-security|disable-features|enable-features|window-size)/;
