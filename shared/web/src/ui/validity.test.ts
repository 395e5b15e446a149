import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

// What a browser has and Node.js lacks.
Object.assign(globalThis, { document: { documentElement: {} } });
Object.defineProperty(globalThis, "navigator", { value: { languages: [] } });
const { choose } = await import("../core/i18n/index.ts");
const { complaintOf } = await import("./validity.ts");

afterEach(() => choose("en"));

const CASES = [
  [{ badInput: true, valueMissing: true }, "number", "Please enter a number.", "Bitte geben Sie eine Zahl ein."],
  [{ typeMismatch: true }, "email", "Please enter an e-mail address, such as name@example.com.", "Bitte geben Sie eine E-Mail-Adresse ein, etwa name@example.com."],
  [{ typeMismatch: true }, "url", "Please enter a whole address, such as https://example.com/orders.", "Bitte geben Sie eine vollständige Adresse ein, etwa https://example.com/orders."],
  [{ valueMissing: true }, "text", "Please fill in this field.", "Bitte füllen Sie dieses Feld aus."],
  [{ tooShort: true }, "text", "Please enter at least 3 characters.", "Bitte geben Sie mindestens 3 Zeichen ein."],
  [{ tooLong: true }, "text", "Please enter at most 9 characters.", "Bitte geben Sie höchstens 9 Zeichen ein."],
  [{ rangeUnderflow: true }, "number", "Please enter 1 or more.", "Bitte geben Sie mindestens 1 ein."],
  [{ rangeOverflow: true }, "number", "Please enter 10,000 or less.", "Bitte geben Sie höchstens 10.000 ein."],
  [{ stepMismatch: true }, "number", "Please enter a whole number.", "Bitte geben Sie eine ganze Zahl ein."],
  [{ patternMismatch: true }, "text", "Please check what you entered.", "Bitte prüfen Sie diese Angabe."],
] as const;

test("every complaint of the browser about a field is in the language of the page", async () => {
  for (const language of ["en", "de"] as const) {
    await choose(language);
    for (const [validity, type, english, german] of CASES) {
      const control = { validity: validity as unknown as ValidityState, type, min: "1", max: "10000", minLength: 3, maxLength: 9 };
      assert.equal(complaintOf(control), language === "en" ? english : german);
    }
  }
});

test("the limits of a day are days", async () => {
  const latest = { validity: { rangeOverflow: true } as ValidityState, type: "date", min: "", max: "2026-11-21", minLength: -1, maxLength: -1 };
  assert.equal(complaintOf(latest), "Please choose Nov 21, 2026 or an earlier day.");
  await choose("de");
  assert.equal(complaintOf(latest), "Bitte wählen Sie den 21.11.2026 oder einen früheren Tag.");
});
