import assert from "node:assert/strict";
import { test } from "node:test";
import { unitsOf } from "./durations.ts";

test("a length of time is written in units that people read", () => {
  const text = (ms: number): string => unitsOf(ms).map(([count, unit]) => `${count} ${unit}`).join(" ");
  assert.deepEqual([0, 350, 999, 1_000, 4_250, 59_999].map(text), ["0 ms", "350 ms", "999 ms", "1 s", "4.2 s", "59.9 s"]);
  assert.deepEqual([60_000, 200_000, 3_600_000, 7_500_000, 86_400_000, 180_000_000].map(text), ["1 min", "3 min 20 s", "1 h", "2 h 5 min", "1 day", "2 day 2 h"]);
});
