export type Rows = readonly (readonly [label: string, text: string])[];

/** What two versions of the same thing say differently, as the later one says it. */
export function changedRows(before: Rows, now: Rows): Rows {
  return now.filter(([, text], index) => text !== before[index]?.[1]);
}
