import { t } from "./i18n/index.ts";
import { ApiError } from "./problem.ts";

/** What went wrong, in the language of the page where there is a text for it, else as the API says it. */
export function explain(error: unknown): string {
  if (!(error instanceof ApiError)) return t().crashed;
  const known = t().problems[error.type];
  // "unavailable" and the like come without a problem document from what is in front of the API.
  return known ?? error.problem?.detail ?? t().problems["internal"] ?? "";
}

export function isProblemOf(error: unknown, ...types: string[]): boolean {
  return error instanceof ApiError && types.includes(error.type);
}
