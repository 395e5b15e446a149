const UNITS = [
  ["day", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
  ["ms", 1],
] as const;

export type Unit = (typeof UNITS)[number][0];

/** A length of time in milliseconds as its two largest units, such as 3 min and 20 s. Less than a minute is 4.2 s, and less than a second 350 ms. */
export function unitsOf(ms: number): [count: number, unit: Unit][] {
  const first = UNITS.findIndex(([, length]) => ms >= length);
  const [unit, length] = UNITS[first] ?? ["ms", 1];
  if (unit === "ms") return [[Math.round(ms), unit]];
  if (unit === "s") return [[Math.floor(ms / 100) / 10, unit]];
  const [next, part] = UNITS[first + 1] ?? ["ms", 1];
  const [count, rest] = [Math.floor(ms / length), Math.floor((ms % length) / part)];
  return rest === 0 ? [[count, unit]] : [[count, unit], [rest, next]];
}
