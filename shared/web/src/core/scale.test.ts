import assert from "node:assert/strict";
import { test } from "node:test";
import { steps } from "./scale.ts";

test("an axis has round steps, and the last one is not below the highest value", () => {
  assert.deepEqual(steps(0), [0, 1]);
  assert.deepEqual(steps(3), [0, 1, 2, 3]);
  assert.deepEqual(steps(9), [0, 5, 10]);
  assert.deepEqual(steps(17), [0, 5, 10, 15, 20]);
  assert.deepEqual(steps(123_456), [0, 50_000, 100_000, 150_000]);
  for (let most = 1; most < 100_000; most = most * 3 + 1) {
    const found = steps(most);
    assert.ok(found.length >= 2 && found.length <= 6, `${most}: ${found}`);
    assert.ok((found.at(-1) ?? 0) >= most, `${most}: ${found}`);
  }
});
