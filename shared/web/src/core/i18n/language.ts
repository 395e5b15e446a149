import { computed, signal } from "@preact/signals";

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

export const language = signal<Language>("en");

/** The browser's own variant of the language, such as British English, decides how dates and numbers are written. */
export const variant = computed(() => navigator.languages.find((tag) => tag.split("-")[0] === language.value) ?? language.value);

const counts = computed(() => new Intl.NumberFormat(variant.value));
export const number = (count: number): string => counts.value.format(count);

/** A form of a counted noun: `plural(2, { one: "item", other: "items" })`. */
export function plural(count: number, forms: { one: string; other: string }): string {
  return new Intl.PluralRules(language.value).select(count) === "one" ? forms.one : forms.other;
}
