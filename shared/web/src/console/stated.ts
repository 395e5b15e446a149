import { money, type Money } from "../core/i18n/index.ts";
import { c } from "./texts/index.ts";

const KNOWN: ReadonlySet<string> = new Set(Intl.supportedValuesOf("currency"));

/** An amount as the gateway states it. In a currency without a known number of digits it says its unit. */
export function stated(amount: Money): string {
  return KNOWN.has(amount.currency) ? money(amount) : c().payments.minorUnits(amount.amount, amount.currency);
}
