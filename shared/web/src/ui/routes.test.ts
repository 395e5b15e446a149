import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, import.meta.url)), "utf8");
const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found = ""]) => found);

test("every route has a page that is compared with its snapshot and in the matrix", () => {
  const routes = ["../shop/app.tsx", "../console/app.tsx"].flatMap((app) => all(read(app), /<Route path="([^"]+)"/g));
  const addresses = all(read("../../../../tests/browser/pages.js"), /^ {2}\S+: \["\w+", ["`]([^"`?]+)/gm);
  // The first one that matches is drawn.
  const drawn = addresses.map((address) => routes.find((route) => new RegExp(`^${route.replaceAll(/:\w+/g, "[^/]+")}$`).test(address)));
  assert.ok(routes.length > 30);
  assert.deepEqual(routes.filter((route) => !drawn.includes(route)), []);
});
