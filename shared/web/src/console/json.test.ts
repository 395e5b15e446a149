import assert from "node:assert/strict";
import { test } from "node:test";
import { beginningOf, objectOf } from "./json.ts";

test("an object is read, and nothing else", () => {
  assert.deepEqual(objectOf('{"type": "object"}'), { type: "object" });
  for (const text of ["", "{", "[]", "null", "1", '"text"']) assert.equal(objectOf(text), null, text);
});

test("a long value is cut between letters", () => {
  assert.equal(beginningOf({ a: 1 }), '{"a":1}');
  assert.equal(beginningOf("😀".repeat(200)), `"${"😀".repeat(159)}…`);
});
