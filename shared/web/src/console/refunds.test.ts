import assert from "node:assert/strict";
import { test } from "node:test";
import { refundable } from "./refunds.ts";

const usd = (amount: number) => ({ amount, currency: "USD" });

test("what is refunded, pending or waits for approval cannot be refunded once more", () => {
  const refunds = [
    { amount: usd(100), status: "succeeded" as const },
    { amount: usd(50), status: "pending" as const },
    { amount: usd(700), status: "failed" as const },
  ];
  const refund_approvals = [
    { amount: usd(300), verdict: null },
    { amount: usd(50), verdict: "approved" as const },
    { amount: usd(600), verdict: "rejected" as const },
  ];
  assert.deepEqual(refundable({ amount: usd(1000), refunds, refund_approvals }), { most: 550, waiting: 300 });
  assert.deepEqual(refundable({ amount: usd(1000), refunds: [] }), { most: 1000, waiting: 0 });
});

test("a refund that was made at the gateway may leave less than waits", () => {
  const refunds = [{ amount: usd(800), status: "succeeded" as const }];
  assert.deepEqual(refundable({ amount: usd(1000), refunds, refund_approvals: [{ amount: usd(300), verdict: null }] }), { most: 0, waiting: 300 });
});
