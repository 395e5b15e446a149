import assert from "node:assert/strict";
import { test } from "node:test";
import { nextPaymentRead, nextRead } from "./follow.ts";

test("a changing order is polled soon, and an unchanged one less and less often", () => {
  const waits = [0, 1, 5, 50].map((unchanged) => nextRead({ status: "pending", status_reason: "awaiting_payment" }, unchanged));
  assert.equal(waits[0], 1_000);
  assert.deepEqual(waits, waits.toSorted((one, other) => Number(one) - Number(other)));
  assert.equal(waits[3], 20_000);
});

test("an order that waits for its customer or for staff is read rarely", () => {
  assert.equal(nextRead({ status: "pending", status_reason: "payment_declined" }, 0), 20_000);
  assert.equal(nextRead({ status: "processing", status_reason: null }, 0), 20_000);
});

test("a final order is not polled", () => {
  assert.equal(nextRead({ status: "delivered", status_reason: null }, 0), false);
  assert.equal(nextRead({ status: "cancelled", status_reason: "customer_request" }, 0), false);
});

test("a payment is read again until it has a result, and after a cancellation until it is refunded", () => {
  assert.equal(nextPaymentRead({ status: "pending" }, "pending", 0), 1_000);
  assert.equal(nextPaymentRead({ status: "cancelled" }, "succeeded", 50), 20_000);
  for (const [order, payment] of [["processing", "succeeded"], ["cancelled", "refunded"], ["cancelled", "failed"]] as const) {
    assert.equal(nextPaymentRead({ status: order }, payment, 0), false, payment);
  }
});
