// Pages compared with pictures that are kept in `kept`. The API's answers are the examples of its contract, the time and the font are
// fixed, and pictures are of half the size: what is left to differ is how the pages look. scripts/browser --accept keeps new ones. With
// another version of Chromium they are not compared.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { browser, shop } from "./support.js";

const { ACCEPT: accept, FONT: font, API_URL: api, PICTURES: pictures } = process.env;
const kept = new URL("./kept/", import.meta.url);
const WIDTHS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };
// A quarter of an hour after the times of the examples.
const NOW = new Date("2026-11-21T12:30:00Z");
const ID = "0192f0c1-0000-7000-8000-0000000000b1";
// A pixel differs by this much in one of its colours, and so many of a million may.
const [DIFFERENCE, LIMIT] = [48, 300];

const PAGES = {
  products: ["customer", "/"],
  product: ["customer", `/products/${ID}`],
  order: ["customer", `/orders/${ID}`],
  account: ["customer", "/account"],
  "console-orders": ["admin", "/console/"],
  "console-order": ["admin", `/console/orders/${ID}`],
  "console-product": ["admin", `/console/products/${ID}`],
  "console-analytics": ["admin", "/console/analytics?period=hour"],
  "console-operations": ["admin", "/console/operations"],
  "console-webhook": ["admin", `/console/webhooks/${ID}`],
};

after(() => browser.close());

const contract = await (await fetch(`${api}/openapi.json`)).json();
// Paths without parameters come first.
const paths = Object.keys(contract.paths).sort((one, other) => one.split("{").length - other.split("{").length);

/** The example of the response to a request. */
function exampleOf(method, address) {
  const path = paths.find((one) => new RegExp(`^${one.replaceAll(/\{[^}]+\}/g, "[^/]+")}$`).test(address));
  const responses = contract.paths[path]?.[method.toLowerCase()]?.responses ?? {};
  const status = Object.keys(responses).find((code) => code.startsWith("2"));
  return { status: Number(status ?? 404), json: responses[status]?.content?.["application/json"]?.example };
}

const part = (claims) => Buffer.from(JSON.stringify(claims)).toString("base64url");

/** Answers by examples, and a session of somebody with this role. */
async function answer(context, role) {
  await context.route("**/*", async (route, request) => {
    const { pathname } = new URL(request.url());
    const headers = { Date: NOW.toUTCString(), ETag: '"1"' };
    if (pathname === "/kept.ttf") return route.fulfill({ path: font });
    if (!pathname.startsWith("/api/")) return route.continue();
    if (request.resourceType() === "image") return route.fulfill({ status: 404 });
    const token = `${part({ alg: "none" })}.${part({ sub: ID, role })}.x`;
    if (pathname.endsWith("/token/refresh")) return route.fulfill({ json: { access_token: token, expires_in: 900 }, headers });
    const { status, json } = exampleOf(request.method(), pathname);
    return route.fulfill({ status, headers, ...(json === undefined ? {} : { json }) });
  });
  await context.addInitScript(() => localStorage.setItem("signed-in", "yes"));
}

async function pictureOf(role, address, viewport) {
  const context = await browser.newContext({ viewport, deviceScaleFactor: 0.5, locale: "en-GB", timezoneId: "UTC", colorScheme: "light", reducedMotion: "reduce", bypassCSP: true });
  try {
    await answer(context, role);
    const page = await context.newPage();
    await page.clock.setFixedTime(NOW);
    await page.goto(`${shop}${address}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.addStyleTag({ content: '@font-face { font-family: Kept; src: url("/kept.ttf"); } * { font-family: Kept !important; }' });
    await page.waitForLoadState("networkidle");
    await page.locator(".loading").first().waitFor({ state: "detached" });
    await page.evaluate(() => document.fonts.ready);
    return await page.screenshot({ fullPage: true });
  } finally {
    await context.close();
  }
}

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

// Each version of the browser draws text and controls in its own way.
const [drawnBy, current] = [await readFile(new URL("chromium", kept), "utf8").catch(() => ""), browser.version().split(".")[0]];
if (accept) await writeFile(`${accept}/chromium`, `${current}\n`);
const skip = accept || drawnBy.trim() === current ? false : `the pictures were drawn by Chromium ${drawnBy.trim()}, and this is ${current}: scripts/browser --accept`;

for (const [name, [role, address]] of Object.entries(PAGES)) {
  test(`the page ${name} looks as its kept pictures`, { skip }, async () => {
    for (const [width, viewport] of Object.entries(WIDTHS)) {
      const file = `${name}-${width}.png`;
      const picture = await pictureOf(role, address, viewport);
      if (accept) {
        await writeFile(`${accept}/${file}`, picture);
        continue;
      }
      const before = await readFile(new URL(file, kept)).catch(() => null);
      const count = before ? await differing(before, picture) : 1_000_000;
      if (count > LIMIT) await writeFile(`${pictures}/now-${file}`, picture);
      assert.ok(count <= LIMIT, `${file}: ${count} of a million pixels differ, more than ${LIMIT}: compare tests/browser/kept/${file} with now-${file}`);
    }
  });
}
