import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

// What a browser has and Node.js lacks.
Object.assign(globalThis, { document: { documentElement: {} } });
Object.defineProperty(globalThis, "navigator", { value: { languages: [] } });
const { choose, decimal, language, momentInSeconds, momentInZone, money, percent, rangeInZone, t } = await import("./index.ts");
const { en } = await import("./en.ts");
const [{ en: consoleEn }, { de: consoleDe }] = [await import("../../console/texts/en.ts"), await import("../../console/texts/de.ts")];

afterEach(() => choose("en"));

const SPACE = "\u00a0";

test("amounts and rates are written as the language does", async () => {
  assert.deepEqual([money({ amount: -5, currency: "USD" }), percent("9.25"), percent("8.875"), percent("19")], ["-$0.05", "9.25%", "8.875%", "19%"]);
  assert.equal(t().order.tax(percent("19"), true), "Included tax 19%");
  await choose("de");
  assert.deepEqual([money({ amount: -5, currency: "EUR" }), percent("9.25"), percent("19")], [`-0,05${SPACE}€`, `9,25${SPACE}%`, `19${SPACE}%`]);
  assert.deepEqual([decimal({ amount: 1250, currency: "EUR" }), decimal({ amount: 1250, currency: "JPY" })], ["12,50", "1250"]);
  assert.equal(t().order.tax(percent("9.25"), false), `Steuer 9,25${SPACE}%`);
});

test("counts are written as the language does, also in texts", async () => {
  assert.deepEqual([t().shown(1234), t().products.found(1234, true), t().basket.less(1234)], ["1,234 entries are shown.", "1,234+ products", "Only 1,234 in stock at the moment."]);
  await choose("de");
  assert.deepEqual([t().shown(1234), t().products.found(1234, true), t().basket.less(1234)], ["1.234 Einträge werden angezeigt.", "1.234+ Produkte", "Im Moment nur 1.234 vorrätig."]);
});

test("counts in texts of the console are written as the language does", async () => {
  assert.deepEqual([consoleEn.payments.minorUnits(1234, "XTS"), consoleEn.operations.discardQuestion(1234)], ["1,234 minor units of XTS", "Delete 1,234 dead letters? This cannot be undone."]);
  await choose("de");
  assert.deepEqual([consoleDe.payments.minorUnits(1234, "XTS"), consoleDe.operations.redriveEdited(1234)], ["1.234 kleinste Einheiten von XTS", "1.234 geänderte Nachrichten zustellen"]);
});

test("the last choice of a language applies, even if its texts are there first", async () => {
  const german = choose("de");
  await choose("en");
  await german;
  assert.deepEqual([language.value, t()], ["en", en]);
});

test("times and periods for operators, and times beside days of UTC, name their zone", () => {
  const time = "2026-11-21T12:15:30Z";
  for (const written of [momentInSeconds(time), momentInZone(time), rangeInZone("2026-11-21T11:15:30Z", time)]) assert.match(written, new RegExp(`${new Intl.DateTimeFormat("en", { timeZoneName: "short" }).format(new Date(time)).split(", ").at(-1)}$`));
});
