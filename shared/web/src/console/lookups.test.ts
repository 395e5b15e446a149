import assert from "node:assert/strict";
import { test } from "node:test";
import { lookups } from "./lookups.ts";

test("a page looks up a limited number of ids, and the next page has others", () => {
  const may = lookups(2);
  const asked = (page: string, ids: string): boolean[] => [...ids].map((id) => may(page, id));
  assert.deepEqual(asked("/audit", "aabac"), [true, true, true, true, false]);
  assert.deepEqual(asked("/orders/1", "ca"), [true, true]);
  assert.deepEqual(asked("/audit", "bcd"), [true, true, false]);
});
