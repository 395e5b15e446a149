import assert from "node:assert/strict";
import { test } from "node:test";
import { memberOf, pathOf, rowsOf, wordsOf } from "./outcomes.ts";

test("an outcome has the rows that the target and the order of its entry do not say", () => {
  const outcome = { order_id: "o-1", payment_id: "p-1", reason: "refunded", matched: 0 };
  assert.deepEqual(rowsOf({ target: "o-1", order_id: "o-1", outcome }), [["payment_id", "p-1"], ["reason", "refunded"], ["matched", 0]]);
  assert.deepEqual(rowsOf({ target: "payment-charge", order_id: null, outcome: { matched: 2, redriven: 1 } }), [["matched", 2], ["redriven", 1]]);
});

test("an unfinished action has no rows, and one without a result has none to show", () => {
  assert.equal(rowsOf({ target: "payment-charge", order_id: null, outcome: null }), null);
  assert.deepEqual(rowsOf({ target: "u-1", order_id: null, outcome: { user_id: "u-1" } }), []);
});

test("ids lead to the page of what they are about", () => {
  assert.equal(pathOf("product_id", "1"), "/console/products/1");
  assert.equal(pathOf("refund_id", "1"), null);
  assert.deepEqual(["ProductUpdated.v1", "StockAdjusted.v1", "RefundRequested.v1", "SecondFactorRemoved.v1", "OrderShipped.v1", "NotificationRequested.v1"].map(memberOf), ["product_id", "product_id", "payment_id", "user_id", "order_id", "id"]);
  assert.equal(wordsOf("stock_quantity"), "stock quantity");
});
