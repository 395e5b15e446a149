import assert from "node:assert/strict";
import { test } from "node:test";
import { nextPaymentRead, nextRead, reasonOf, watched } from "./follow.ts";

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

test("a payment is read until it has a result, after a cancellation until its refund", () => {
  assert.equal(nextPaymentRead({ status: "pending" }, "pending", 0), 1_000);
  assert.equal(nextPaymentRead({ status: "cancelled" }, "succeeded", 50), 20_000);
  for (const [order, payment] of [["processing", "succeeded"], ["cancelled", "refunded"], ["cancelled", "failed"]] as const) {
    assert.equal(nextPaymentRead({ status: order }, payment, 0), false, payment);
  }
});

const declined = { status: "pending", status_reason: "payment_declined" } as const;

test("while a payment is tried again, the page says so and reads the order soon", () => {
  const cases = [["pending", "awaiting_payment"], ["requires_action", "awaiting_customer"], ["succeeded", null]] as const;
  for (const [payment, reason] of cases) {
    assert.equal(reasonOf(declined, payment), reason, payment);
    assert.equal(nextRead(declined, 0, payment), 1_000, payment);
  }
  for (const payment of ["failed", undefined] as const) {
    assert.equal(reasonOf(declined, payment), "payment_declined", payment);
    assert.equal(nextRead(declined, 0, payment), 20_000, payment);
  }
  const retried = { status: "pending", status_reason: "awaiting_payment" } as const;
  assert.deepEqual([reasonOf(retried, "failed"), nextRead(retried, 0, "failed")], ["payment_declined", 1_000]);
  assert.equal(reasonOf({ status: "cancelled", status_reason: "payment_declined" }, "refunded"), "payment_declined");
  assert.equal(reasonOf({ status: "pending", status_reason: "backordered" }, "succeeded"), "backordered");
});

test("each attempt of a payment is followed from the start, without outdated answers", () => {
  const first = watched<{ status: "failed" | "pending"; attempts: number }>(undefined, { status: "failed", attempts: 1 });
  const again = watched(watched(first, { status: "failed", attempts: 1 }), { status: "failed", attempts: 1 });
  assert.equal(again.unchangedReads, 2);
  const retried = watched(again, { status: "pending", attempts: 2 });
  assert.deepEqual(retried, { payment: { status: "pending", attempts: 2 }, unchangedReads: 0 });
  assert.equal(watched(retried, { status: "failed", attempts: 1 }), retried);
  assert.deepEqual(watched(retried, { status: "failed", attempts: 2 }), { payment: { status: "failed", attempts: 2 }, unchangedReads: 0 });
});
