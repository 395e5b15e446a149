import assert from "node:assert/strict";
import { test } from "node:test";
import { spanOf, summarize, unusualBuckets } from "./windows.ts";

const NOW = Date.parse("2026-11-21T12:07:30Z");
const window = (start: string, orders: number, amount: number, currency = "USD") => ({
  start: `2026-11-21T${start}:00Z`,
  orders,
  revenue: { amount, currency },
  top_products: [{ product_id: "lantern", name: "Storm lantern", quantity: orders * 2 }],
  by_region: [{ region: "US-CA", orders, revenue: { amount, currency } }],
  first_orders: 1,
  payments: { paid: { count: orders, amount: { amount, currency } }, declined: { count: 1, amount: { amount: 10, currency } }, refunded: { count: 0, amount: { amount: 0, currency } } },
});

test("a period has whole bars, the last of which has begun", () => {
  const { from, to, step } = spanOf("hour", NOW);
  assert.equal(new Date(from).toISOString(), "2026-11-21T11:10:00.000Z");
  assert.equal(new Date(to).toISOString(), "2026-11-21T12:10:00.000Z");
  assert.equal((to - from) / step, 12);
});

test("windows fall into their bars, and amounts of different currencies are not added", () => {
  const found = summarize([window("11:10", 1, 100), window("12:05", 2, 300), window("12:05", 1, 50, "EUR"), window("12:10", 9, 900)], spanOf("hour", NOW));
  assert.deepEqual(found.buckets.map(({ orders }) => orders), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]);
  assert.deepEqual(found.currencies.map(({ currency, orders, revenue, average }) => [currency, orders, revenue, average]), [["EUR", 1, 50, 50], ["USD", 3, 400, 133]]);
  assert.deepEqual(found.currencies[1]?.payments, { paid: { count: 12, amount: 1300 }, declined: { count: 3, amount: 30 }, refunded: { count: 0, amount: 0 } });
  assert.equal(found.currencies[1]?.firstOrders, 3);
  assert.deepEqual(summarize([], spanOf("day", NOW)).buckets.length, 24);
  const nothing = { count: 0, amount: { amount: 0, currency: "JPY" } };
  const empty = { ...window("12:05", 0, 0, "JPY"), payments: { paid: nothing, declined: nothing, refunded: nothing } };
  assert.deepEqual(summarize([empty], spanOf("hour", NOW)).currencies, []);
});

test("products and regions are added up over windows, the best ones first", () => {
  const other = { ...window("11:15", 1, 700), by_region: [{ region: "DE", orders: 1, revenue: { amount: 700, currency: "USD" } }], top_products: [{ product_id: "bell", name: "Bell", quantity: 1 }] };
  const found = summarize([window("11:10", 1, 100), window("12:05", 2, 300), other], spanOf("hour", NOW));
  assert.deepEqual(found.products, [{ id: "lantern", name: "Storm lantern", units: 6 }, { id: "bell", name: "Bell", units: 1 }]);
  assert.deepEqual(found.currencies[0]?.regions, [{ region: "DE", orders: 1, revenue: 700 }, { region: "US-CA", orders: 3, revenue: 400 }]);
});

test("an unusual window marks its bar in the charts of its metric and currency alone", () => {
  const anomaly = (start: string, metric: string, currency: string) => ({ id: "", found_at: "", end: "", expected: 40, least: 11, most: 69, observed: 4, start: `2026-11-21T${start}:00Z`, metric, currency });
  const found = [anomaly("11:50", "orders", "USD"), anomaly("12:05", "revenue", "USD"), anomaly("11:05", "revenue", "EUR")];
  const marked = (metric: "orders" | "revenue", currency: string | null): string[] =>
    [...unusualBuckets(found, metric, currency, spanOf("hours", NOW))].map((start) => new Date(start).toISOString().slice(11, 16));
  assert.deepEqual([marked("orders", null), marked("orders", "EUR"), marked("revenue", "USD"), marked("revenue", "EUR")], [["11:45"], [], ["12:00"], ["11:00"]]);
});
