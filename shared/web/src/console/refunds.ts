// What of a payment can still be refunded.

import type { components } from "../api/schema.d.ts";

type PaymentView = components["schemas"]["PaymentView"];
type Refunded = Pick<PaymentView, "amount"> & {
  refunds: readonly Pick<PaymentView["refunds"][number], "amount" | "status">[];
  refund_approvals?: readonly Pick<NonNullable<PaymentView["refund_approvals"]>[number], "amount" | "verdict">[];
};

interface Refundable {
  /** Minor units that can be requested. */
  most: number;
  /** Minor units that wait for approval, and are not part of `most`. */
  waiting: number;
}

const total = (parts: readonly { amount: { amount: number } }[]): number => parts.reduce((sum, { amount }) => sum + amount.amount, 0);

/** What neither is refunded, nor in a pending refund, nor waits for approval. */
export function refundable({ amount, refunds, refund_approvals = [] }: Refunded): Refundable {
  const waiting = total(refund_approvals.filter(({ verdict }) => verdict === null));
  const claimed = total(refunds.filter(({ status }) => status !== "failed"));
  return { most: Math.max(0, amount.amount - claimed - waiting), waiting };
}
