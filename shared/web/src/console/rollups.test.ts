import assert from "node:assert/strict";
import { test } from "node:test";
import { countsOf } from "./rollups.ts";

const HOURS = [
  { hour: "2026-11-21T00:00:00Z", records: 3, bytes: 60 },
  { hour: "2026-11-21T23:00:00Z", records: 4, bytes: 80 },
];

test("one day has a bar for each hour", () => {
  const { isHourly, records, bytes, bars } = countsOf(HOURS, { from: "2026-11-21", to: "2026-11-21" });
  assert.deepEqual([isHourly, records, bytes, bars.length], [true, 7, 140, 24]);
  assert.deepEqual(bars.at(0), { start: "2026-11-21T00:00:00.000Z", records: 3 });
  assert.deepEqual(bars.at(23), { start: "2026-11-21T23:00:00.000Z", records: 4 });
});

test("several days have a bar each, also one without records", () => {
  const { isHourly, bars } = countsOf(HOURS, { from: "2026-11-20", to: "2026-11-21" });
  assert.equal(isHourly, false);
  assert.deepEqual(bars, [
    { start: "2026-11-20T00:00:00.000Z", records: 0 },
    { start: "2026-11-21T00:00:00.000Z", records: 7 },
  ]);
});
