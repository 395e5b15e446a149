import { signal } from "@preact/signals";

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

export const language = signal<Language>("en");

/** A form of a counted noun: `plural(2, { one: "item", other: "items" })`. */
export function plural(count: number, forms: { one: string; other: string }): string {
  return new Intl.PluralRules(language.value).select(count) === "one" ? forms.one : forms.other;
}
