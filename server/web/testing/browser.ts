import chromium from "@sparticuz/chromium";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium as launcher } from "playwright-core";

/** A Chromium from npm: the same on every machine, and none need be installed. Whoever opens it closes it. */
export async function openBrowser(): Promise<Browser> {
  try {
    return await launch();
  } catch (error) {
    // Chromium is not what is tested, so that one that does not come up fails nothing if the next one does.
    console.warn("A browser did not start, so another is started.", error);
    return launch();
  }
}

async function launch(): Promise<Browser> {
  return launcher.launch({
    executablePath: await chromium.executablePath(),
    args: [
      ...chromium.args.filter((arg) => !UNWANTED.test(arg)),
      // Text must not depend on the machine's own font settings: pictures are compared.
      "--font-render-hinting=none",
      "--disable-lcd-text",
      "--force-color-profile=srgb",
    ],
    headless: true,
  });
}

/** Made for one page in a lambda: several people at once, and service workers, need processes of their own. */
const UNWANTED =
  /^--(?:single-process|no-zygote|headless|disable-web-security|disable-features|enable-features|window-size)/;

/** A person with a browser of their own: nothing is shared with another. */
export const openPerson = (browser: Browser, options: BrowserContextOptions = {}): Promise<BrowserContext> =>
  browser.newContext({
    viewport: { width: 600, height: 800 },
    locale: "en-NG",
    timezoneId: "Africa/Lagos",
    colorScheme: "light",
    reducedMotion: "reduce",
    ...options,
  });
