/** The object that a text is as JSON; null if it is none. */
export function objectOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

export const indented = (value: unknown): string => JSON.stringify(value, null, 2);

const SHORT = 160;

/** The beginning of a value as JSON, for the cell of a table. */
export function beginningOf(value: unknown): string {
  const letters = [...JSON.stringify(value)];
  return letters.length > SHORT ? `${letters.slice(0, SHORT).join("")}…` : letters.join("");
}
