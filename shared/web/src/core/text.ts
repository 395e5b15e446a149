import { language, number, t } from "./i18n/index.ts";
import { ApiError } from "./problem.ts";

interface Explanation {
  text: string;
  /** What the API says of it, in English, where the text does not say it all. */
  detail?: string | undefined;
}

/** What went wrong, in the language of the page. */
export function explanation(error: unknown): Explanation {
  if (!(error instanceof ApiError)) return { text: t().crashed };
  const known = t().problems[error.type];
  // "unavailable" and the like come without a problem document from what is in front of the API.
  if (!error.problem) return { text: known ?? t().problems["internal"] ?? "" };
  const isPlain = known !== undefined && error.type !== "validation";
  return isPlain ? { text: known } : { text: known ?? t().refused, detail: error.problem.detail };
}

/** As one text. */
export function explain(error: unknown): string {
  const { text, detail } = explanation(error);
  return detail ? `${text} ${detail}` : text;
}

const patternOf = (detail: string): string => detail.replaceAll(/\d+/g, "#");

/** Whether what the API says of a field is in another language than the page. */
export const isForeign = (detail: string): boolean => language.value !== "en" && t().fieldTexts[patternOf(detail)] === undefined;

/** What the API says of a field, in the language of the page where it has a text, which has # for the numbers. */
export function fieldText(detail: string): string {
  const text = t().fieldTexts[patternOf(detail)];
  const numbers = detail.match(/\d+/g) ?? [];
  return text?.replaceAll("#", () => number(Number(numbers.shift()))) ?? detail;
}

export function isProblemOf(error: unknown, ...types: string[]): boolean {
  return error instanceof ApiError && types.includes(error.type);
}
