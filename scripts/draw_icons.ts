/** `npm run icons`: draws the page's icons from server/web/public/icon.svg, for systems that take no SVG. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openBrowser } from "../server/web/testing/browser.ts";

const folder = join(import.meta.dirname, "../server/web/public");

const square = await readFile(join(folder, "icon.svg"), "utf8");
// A mask may cut everything but the middle four fifths: no round corners, and the drawing smaller.
const maskable = square
  .replace('rx="15" ', "")
  .replaceAll(/<path /g, '<path transform="translate(6.4 6.4) scale(.8)" ');
// Of a badge, systems take the shape only.
const badge = square.replace(/<rect[^>]*>/, "").replaceAll(/stroke="#[0-9a-f]+"/g, 'stroke="#fff"');

const icons = [
  { name: "icon-192.png", size: 192, svg: square },
  { name: "icon-512.png", size: 512, svg: square },
  { name: "icon-maskable-512.png", size: 512, svg: maskable },
  { name: "badge-96.png", size: 96, svg: badge },
];

const browser = await openBrowser();
try {
  const page = await browser.newPage();
  for (const { name, size, svg } of icons) {
    await page.setViewportSize({ width: size, height: size });
    await page.setContent(
      `<style>body { margin: 0 } svg { display: block; width: 100vw; height: 100vh }</style>${svg}`,
    );
    await writeFile(join(folder, name), await page.screenshot({ omitBackground: true }));
    console.log(`server/web/public/${name}: drawn`);
  }
} finally {
  await browser.close();
}
