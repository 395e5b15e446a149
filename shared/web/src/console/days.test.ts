import assert from "node:assert/strict";
import { test } from "node:test";
import { dayOf, daysOf, periodBetween, periodOf, refusals, summaryOf } from "./days.ts";

const NOW = Date.parse("2026-11-21T23:59:59Z");
const row = (day: string, orders: number, amount: number, currency = "USD", paid = orders) => ({
  day,
  orders,
  revenue: { amount, currency },
  average_order_value: { amount: orders === 0 ? 0 : amount / orders, currency },
  first_orders: orders === 0 ? 0 : 1,
  repeat_orders: orders === 0 ? 0 : orders - 1,
  payments: { paid: { count: paid, amount: { amount, currency } }, declined: { count: 0, amount: { amount: 0, currency } }, refunded: { count: 0, amount: { amount: 0, currency } } },
  peak_hour: orders === 0 ? null : { start: `${day}T12:00:00Z`, orders },
});

test("a text that names no day is the day that it is in UTC", () => {
  assert.equal(dayOf("2026-02-28", NOW), "2026-02-28");
  for (const text of ["", "today", "2026-02-31", "2026-13-01", "2026-11-21T00:00:00Z"]) assert.equal(dayOf(text, NOW), "2026-11-21", text);
});

test("the period of a day is the seven days that end with it", () => {
  assert.deepEqual(periodOf("2026-03-02"), { from: "2026-02-24T00:00:00.000Z", to: "2026-03-03T00:00:00.000Z" });
});

test("days in the wrong order are turned, and a text that names none is today", () => {
  assert.deepEqual(daysOf("2026-11-03", "2026-11-01", NOW), { from: "2026-11-01", to: "2026-11-03" });
  assert.deepEqual(daysOf("", "?", NOW), { from: "2026-11-21", to: "2026-11-21" });
  assert.deepEqual(periodBetween({ from: "2026-11-21", to: "2026-11-21" }), { from: "2026-11-21T00:00:00.000Z", to: "2026-11-22T00:00:00.000Z" });
});

test("a period has at most 31 days, of years that the API takes", () => {
  assert.deepEqual([...refusals("2026-10-01", "2026-10-31")], []);
  assert.deepEqual([...refusals("2026-10-31", "2026-10-01")], []);
  assert.deepEqual([...refusals("1970-01-01", "1970-01-01")], []);
  assert.deepEqual([...refusals("9998-12-30", "9998-12-30")], []);
  assert.deepEqual([...refusals("2026-10-01", "2026-11-01")], [["to", "length"]]);
  assert.deepEqual([...refusals("12026-10-01", "2026-11-01")], [["from", "day"]]);
  assert.deepEqual([...refusals("1969-12-31", "9998-12-31")], [["from", "day"], ["to", "day"]]);
});

test("the figures are those of the day, and the bars those of its period, by currency", () => {
  const rows = [row("2026-11-15", 1, 100), row("2026-11-21", 1, 50, "EUR"), row("2026-11-21", 2, 300)];
  const found = summaryOf(rows, "2026-11-21");
  assert.equal(found.orders, 3);
  assert.deepEqual(
    found.currencies.map(({ currency, revenue, average, firstOrders, repeatOrders, peakHour }) => [currency, revenue, average, firstOrders, repeatOrders, peakHour]),
    [
      ["EUR", 50, 50, 1, 0, "2026-11-21T12:00:00Z"],
      ["USD", 300, 150, 1, 1, "2026-11-21T12:00:00Z"],
    ],
  );
  assert.deepEqual(found.currencies[1]?.payments.paid, { count: 2, amount: 300 });
  assert.deepEqual(found.ordersByDay.map(({ value }) => value), [1, 0, 0, 0, 0, 0, 3]);
  assert.deepEqual(found.ordersByDay[0]?.day, "2026-11-15");
  assert.deepEqual(found.revenueByDay.map(({ currency, days }) => [currency, days.map(({ value }) => value)]), [
    ["EUR", [0, 0, 0, 0, 0, 0, 50]],
    ["USD", [100, 0, 0, 0, 0, 0, 300]],
  ]);
});

test("only a currency without orders and payments is left out", () => {
  const found = summaryOf([row("2026-11-21", 0, 0, "JPY"), row("2026-11-21", 0, 70, "USD", 1)], "2026-11-21");
  assert.deepEqual(found.currencies.map(({ currency, peakHour }) => [currency, peakHour]), [["USD", null]]);
  assert.deepEqual(found.revenueByDay, []);
  assert.deepEqual(summaryOf([], "2026-11-21").currencies, []);
});
