// The wait of the stories ends. scripts/browser runs this file; it needs no browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "./eventually.js";

test("a wait returns what was found", async () => {
  assert.equal(await eventually("an order", () => "found"), "found");
});

test("a wait for what never comes says what it waited for", async () => {
  await assert.rejects(eventually("an order", () => undefined, 0), { message: "an order: not within 0 s" });
});
