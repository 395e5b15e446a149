// The console's texts in the language of the page.

import { effect, signal } from "@preact/signals";
import { language } from "../../core/i18n/index.ts";
import { en, type ConsoleTexts } from "./en.ts";

const texts = signal<ConsoleTexts>(en);

/** The texts of the console in the current language. */
export const c = (): ConsoleTexts => texts.value;

/** Where they cannot be loaded, or another language was chosen meanwhile, the texts stay. */
async function loadGerman(): Promise<void> {
  const loaded = await import("./de.ts").catch(() => null);
  if (loaded && language.value === "de") texts.value = loaded.de;
}

effect(() => {
  if (language.value === "en") texts.value = en;
  else void loadGerman();
});
