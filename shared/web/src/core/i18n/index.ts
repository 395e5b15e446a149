// The language of the page, its texts, and how it writes money and time.

import { computed, effect, signal } from "@preact/signals";
import { toText } from "../money.ts";
import { setItem, localStore, getItem } from "../storage.ts";
import { en, type Messages } from "./en.ts";
import { language, LANGUAGES, number, variant, type Language } from "./language.ts";

export { language, LANGUAGES, number, type Language };

const STORED = "language";
const loaders: Record<Language, () => Promise<Messages>> = {
  en: () => Promise.resolve(en),
  de: async () => (await import("./de.ts")).de,
};

const messages = signal<Messages>(en);

/** The texts of the current language. A component that calls it is drawn again when the language changes. */
export const t = (): Messages => messages.value;

let last: Language | null = null;

/** Its texts may be out of reach: then the language stays. Those of a former choice may come after those of the last one: then the last one stays. */
export async function choose(wanted: Language): Promise<void> {
  last = wanted;
  const loaded = await loaders[wanted]().catch(() => null);
  if (loaded === null || last !== wanted) return;
  messages.value = loaded;
  language.value = wanted;
}

export async function remember(chosen: Language): Promise<void> {
  await choose(chosen);
  if (language.value === chosen) setItem(localStore, STORED, chosen);
}

/** What was chosen before, else the first language of the browser that there are texts for. */
export function preferred(): Language {
  const wanted = [getItem(localStore, STORED) ?? "", ...navigator.languages].map((tag) => tag.slice(0, 2));
  return wanted.find((tag): tag is Language => tag in LANGUAGES) ?? "en";
}

effect(() => {
  document.documentElement.lang = language.value;
});

export interface Money {
  amount: number;
  currency: string;
}

// Making a format takes a phone longer than a list of products has time for.
const formats = new Map<string, Intl.NumberFormat>();

function format(currency: string, options: Intl.NumberFormatOptions = {}): Intl.NumberFormat {
  const name = `${variant.value} ${currency} ${options.notation ?? ""}`;
  const known = formats.get(name) ?? new Intl.NumberFormat(variant.value, { style: "currency", currency, ...options });
  formats.set(name, known);
  return known;
}

/** How many digits of a currency's amounts are minor units. */
export function minorDigits(currency: string): number {
  return format(currency).resolvedOptions().maximumFractionDigits ?? 2;
}

/** Writes minor units as the language does: digits are moved as text, because amounts are exact. */
export function money({ amount, currency }: Money): string {
  return format(currency).format(toText(amount, minorDigits(currency)) as `${number}`);
}

/** An amount without its currency, as people type it. */
export function decimal({ amount, currency }: Money): string {
  const digits = minorDigits(currency);
  return new Intl.NumberFormat(variant.value, { minimumFractionDigits: digits, useGrouping: false }).format(toText(amount, digits) as `${number}`);
}

/** An amount on the axis of a chart, such as $1.2K. */
export function shortMoney({ amount, currency }: Money): string {
  return format(currency, { notation: "compact", minimumFractionDigits: 0 }).format(toText(amount, minorDigits(currency)) as `${number}`);
}

const percents = computed(() => new Intl.NumberFormat(variant.value, { style: "percent", maximumFractionDigits: 3 }));
/** A rate in percent, such as the text 9.25. */
export const percent = (rate: string): string => percents.value.format(`${rate}e-2` as `${number}`);

export function sum(amounts: readonly Money[]): Money | null {
  const [first] = amounts;
  if (!first || amounts.some((one) => one.currency !== first.currency)) return null;
  return { amount: amounts.reduce((total, one) => total + one.amount, 0), currency: first.currency };
}

const dateTime = computed(() => new Intl.DateTimeFormat(variant.value, { dateStyle: "medium", timeStyle: "short" }));
const dateTimeInSeconds = computed(() => new Intl.DateTimeFormat(variant.value, { dateStyle: "medium", timeStyle: "long" }));
const dateTimeInZone = computed(() => new Intl.DateTimeFormat(variant.value, { year: "numeric", month: "short", day: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short" }));
const dateOnly = computed(() => new Intl.DateTimeFormat(variant.value, { dateStyle: "medium" }));
const timeOnly = computed(() => new Intl.DateTimeFormat(variant.value, { timeStyle: "short" }));
const dayOfUtc = computed(() => new Intl.DateTimeFormat(variant.value, { dateStyle: "medium", timeZone: "UTC" }));
const weekdayOfUtc = computed(() => new Intl.DateTimeFormat(variant.value, { weekday: "short", timeZone: "UTC" }));
const hourOfUtc = computed(() => new Intl.DateTimeFormat(variant.value, { hour: "numeric", minute: "2-digit", timeZone: "UTC" }));
const regions = computed(() => new Intl.DisplayNames(language.value, { type: "region" }));

export const moment = (time: string): string => dateTime.value.format(new Date(time));
export const momentRange = (start: string, end: string): string => dateTime.value.formatRange(new Date(start), new Date(end));
/** A time with its zone: beside days of UTC, and where it is a deadline. */
export const momentInZone = (time: string): string => dateTimeInZone.value.format(new Date(time));
/** A period with its zone, for operators. */
export const rangeInZone = (start: string, end: string): string => dateTimeInZone.value.formatRange(new Date(start), new Date(end));
/** A time with its seconds and its zone, for operators, who compare it with the times of logs. */
export const momentInSeconds = (time: string): string => dateTimeInSeconds.value.format(new Date(time));
export const clock = (time: string): string => timeOnly.value.format(new Date(time));
export const day = (time: string): string => dateOnly.value.format(new Date(time));
/** A day of UTC, such as 2026-11-21. */
export const utcDay = (date: string): string => dayOfUtc.value.format(new Date(date));
export const utcWeekday = (date: string): string => weekdayOfUtc.value.format(new Date(date));
/** The hour of UTC that begins at a time, with its end. */
export const utcHour = (start: string): string => `${hourOfUtc.value.format(new Date(start))} – ${hourOfUtc.value.format(new Date(Date.parse(start) + 3_600_000))}`;
export const utcTime = (time: string): string => hourOfUtc.value.format(new Date(time));
export const countryName = (code: string): string => regions.value.of(code) ?? code;
