import assert from "node:assert/strict";
import { test } from "node:test";
import { currencyOf, filtersOf, search } from "./filters.ts";

test("a price has the currency of the address, and a currency alone filters nothing", () => {
  assert.deepEqual(filtersOf({ min_price: "500", currency: "JPY" }), { min_price: 500, currency: "JPY" });
  assert.deepEqual(filtersOf({ max_price: "500" }), { max_price: 500, currency: "USD" });
  assert.deepEqual(filtersOf({ max_price: "500", currency: "yen" }), { max_price: 500, currency: "USD" });
  assert.deepEqual(filtersOf({ q: "lamp", currency: "JPY" }), { q: "lamp" });
});

test("filters make the address that they were read from, without anything else", () => {
  const query = { q: "storm lamp", category: "lighting", min_price: "0", max_price: "1250", currency: "EUR", available: "true", sort: "-price" };
  assert.equal(search(filtersOf(query)), `?${new URLSearchParams(query)}`);
  assert.deepEqual(filtersOf({ q: "", min_price: "-1", max_price: "1e3", available: "no", sort: "size", page: "2" }), {});
});

test("prices are asked for in the currency of the products that are shown", () => {
  const shown = [{ price: { currency: "EUR" } }, { price: { currency: "JPY" } }];
  assert.deepEqual([currencyOf({}, shown), currencyOf({ currency: "JPY" }, shown), currencyOf({}, [])], ["EUR", "JPY", undefined]);
});
