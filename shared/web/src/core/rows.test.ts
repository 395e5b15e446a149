import assert from "node:assert/strict";
import { test } from "node:test";
import { changedRows } from "./rows.ts";

test("what is different is told by its label, as it is now", () => {
  const before = [["Name", "Bell"], ["Price", "$1"], ["Note", ""]] as const;
  assert.deepEqual(changedRows(before, before), []);
  assert.deepEqual(changedRows(before, [["Name", "Bell"], ["Price", "$2"], ["Note", "loud"]]), [["Price", "$2"], ["Note", "loud"]]);
});
