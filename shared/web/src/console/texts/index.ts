// The console's texts in the language of the page.

import { effect, signal } from "@preact/signals";
import { language } from "../../core/i18n/index.ts";
import { en, type ConsoleTexts } from "./en.ts";

const texts = signal<ConsoleTexts>(en);

/** The texts of the console in the current language. */
export const c = (): ConsoleTexts => texts.value;

effect(() => {
  if (language.value === "en") texts.value = en;
  else void import("./de.ts").then((loaded) => (texts.value = loaded.de));
});
