import { number, t, utcDay } from "../core/i18n/index.ts";

type Control = Pick<HTMLInputElement, "validity" | "type" | "min" | "max" | "minLength" | "maxLength">;

/** What the browser finds wrong with a field, in the language of the page: its own message is in the language of the browser. */
export function complaintOf({ validity, type, min, max, minLength, maxLength }: Control): string {
  const isDay = type === "date";
  if (validity.badInput || validity.typeMismatch) return t().invalid[type] ?? t().invalidOther;
  if (validity.valueMissing) return t().checkout.required;
  if (validity.tooShort) return t().tooShort(minLength);
  if (validity.tooLong) return t().tooLong(maxLength);
  if (validity.rangeUnderflow) return isDay ? t().earliest(utcDay(min)) : t().least(number(Number(min)));
  if (validity.rangeOverflow) return isDay ? t().latest(utcDay(max)) : t().most(number(Number(max)));
  if (validity.stepMismatch && type === "number") return t().whole;
  return t().invalidOther;
}
