// Hourly counts of a source's records, gathered into the bars of a chart.

import type { components } from "../api/schema.d.ts";
import type { Days } from "./days.ts";

type Rollup = components["schemas"]["RollupView"];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface Counts {
  /** Whether a bar is an hour; a day otherwise. */
  isHourly: boolean;
  records: number;
  bytes: number;
  bars: { start: string; records: number }[];
}

/** The hours of one day, or the days of several. */
export function countsOf(rollups: readonly Rollup[], { from, to }: Days): Counts {
  const isHourly = from === to;
  const step = isHourly ? HOUR_MS : DAY_MS;
  const first = Date.parse(from);
  const bars = Array.from({ length: (Date.parse(to) + DAY_MS - first) / step }, (_, index) => ({ start: new Date(first + index * step).toISOString(), records: 0 }));
  for (const { hour, records } of rollups) {
    const bar = bars[Math.floor((Date.parse(hour) - first) / step)];
    if (bar) bar.records += records;
  }
  const total = (member: "records" | "bytes"): number => rollups.reduce((sum, one) => sum + one[member], 0);
  return { isHourly, records: total("records"), bytes: total("bytes"), bars };
}
