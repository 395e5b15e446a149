import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ApiError } from "./problem.ts";

// What a browser has and Node.js lacks.
Object.assign(globalThis, { document: { documentElement: {} } });
Object.defineProperty(globalThis, "navigator", { value: { languages: [] } });
const { choose } = await import("./i18n/index.ts");
const { explain, explanation, fieldText, isForeign } = await import("./text.ts");

afterEach(() => choose("en"));

const failure = (type: string, detail: string) => new ApiError(409, { type: `/problems/${type}`, title: "", status: 409, detail, instance: "/", trace_id: "1" });

test("a problem has the text of the page, or a general one with what the API says", async () => {
  await choose("de");
  assert.deepEqual(explanation(failure("sku-taken", "Another product …")), { text: "Ein anderes Produkt hat oder hatte diese Artikelnummer. Bitte nehmen Sie eine andere." });
  assert.deepEqual(explanation(failure("new-problem", "It is new.")), { text: "Das war nicht möglich.", detail: "It is new." });
  assert.equal(explain(failure("validation", "/items must not be empty")), "Eine der Angaben kann so nicht verwendet werden. /items must not be empty");
  assert.deepEqual(explanation(new ApiError(503, null)), { text: "Bei uns ist etwas schiefgegangen. Bitte versuchen Sie es gleich noch einmal." });
});

test("what the API says of a field is in the language of the page, with its numbers", async () => {
  assert.equal(fieldText("must be 10 to 128 characters"), "must be 10 to 128 characters");
  await choose("de");
  assert.equal(fieldText("must be 10 to 128 characters"), "Bitte geben Sie 10 bis 128 Zeichen ein.");
  assert.equal(fieldText("must be '+' and 8 to 15 digits (E.164)"), "Schreiben Sie ein + und danach 8 bis 15 Ziffern.");
  assert.equal(fieldText("must be between 1 and 10000"), "Bitte geben Sie 1 bis 10.000 ein.");
  assert.equal(fieldText("must be your password"), "Das ist nicht Ihr Passwort.");
  assert.equal(fieldText("must be something new"), "must be something new");
  assert.deepEqual([isForeign("must be something new"), isForeign("must be between 1 and 5")], [true, false]);
  await choose("en");
  assert.equal(isForeign("must be something new"), false);
});
