// Pages compared with their pictures in `snapshots`. The API's answers are the examples of its contract, the time and the font are
// fixed, and pictures are of half the size: what is left to differ is how the pages look. scripts/browser --accept replaces them. With
// another version of Chromium they are not compared.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, describe, test } from "node:test";
import { onDrawn, PAGES } from "./pages.js";
import { browser, DESKTOP, PHONE } from "./support.js";

const { ACCEPT: accept, PICTURES: pictures } = process.env;
const snapshots = new URL("./snapshots/", import.meta.url);
const WIDTHS = { desktop: DESKTOP, phone: PHONE };
// A pixel differs by this much in one of its colours, and so many of a million may.
const [DIFFERENCE, LIMIT] = [48, 300];

after(() => browser.close());

/** How many of a million pixels differ; all of them if the sizes do. */
async function differing(one, other) {
  const page = await browser.newPage();
  try {
    return await page.evaluate(
      async ([least, ...sources]) => {
        const read = async (source) => {
          const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${source}`)).blob());
          const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
          canvas.drawImage(bitmap, 0, 0);
          return canvas.getImageData(0, 0, bitmap.width, bitmap.height);
        };
        const [before, now] = await Promise.all(sources.map(read));
        if (before.width !== now.width || before.height !== now.height) return 1_000_000;
        let count = 0;
        for (let at = 0; at < now.data.length; at += 4) if ([0, 1, 2].some((color) => Math.abs(before.data[at + color] - now.data[at + color]) >= least)) count++;
        return Math.round((count / (now.data.length / 4)) * 1_000_000);
      },
      [DIFFERENCE, one.toString("base64"), other.toString("base64")],
    );
  } finally {
    await page.close();
  }
}

/** Compares a picture with its snapshot, or replaces that. */
async function check(file, picture) {
  if (accept) return writeFile(`${accept}/${file}`, picture);
  const before = await readFile(new URL(file, snapshots)).catch(() => null);
  if (before?.equals(picture)) return;
  const count = before ? await differing(before, picture) : 1_000_000;
  if (count > LIMIT) await writeFile(`${pictures}/now-${file}`, picture);
  assert.ok(count <= LIMIT, `${file}: ${count} of a million pixels differ, more than ${LIMIT}: compare tests/browser/snapshots/${file} with now-${file}`);
}

// Each version of the browser draws text and controls in its own way.
const [drawnBy, current] = [await readFile(new URL("chromium", snapshots), "utf8").catch(() => ""), browser.version().split(".")[0]];
if (accept) await writeFile(`${accept}/chromium`, `${current}\n`);
const skip = accept || drawnBy.trim() === current ? false : `the pictures were drawn by Chromium ${drawnBy.trim()}, and this is ${current}: scripts/browser --accept`;

describe("pages look like their snapshots", { skip, concurrency: 2 }, () => {
  for (const name of Object.keys(PAGES)) {
    test(`the page ${name}`, () =>
      onDrawn(name, { viewport: DESKTOP, deviceScaleFactor: 0.5 }, async (page) => {
        for (const [width, viewport] of Object.entries(WIDTHS)) {
          await page.setViewportSize(viewport);
          await check(`${name}-${width}.png`, await page.screenshot({ fullPage: true }));
        }
      }));
  }
});
