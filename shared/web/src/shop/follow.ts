import type { components } from "../api/schema.d.ts";

type Order = Pick<components["schemas"]["OrderView"], "status" | "status_reason">;

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 20_000;

/** When an order is read again: at once while it moves, ever later while nothing happens, and not at all at its end. */
export function nextRead(order: Order, unchangedReads: number): number | false {
  if (order.status === "delivered" || order.status === "cancelled") return false;
  const isWaiting = order.status !== "pending" || order.status_reason === "payment_declined" || order.status_reason === "backordered";
  return isWaiting ? LONGEST_WAIT_MS : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 1.4 ** unchangedReads);
}

/** When a payment is read again: while it is in progress, and while a cancelled order waits for its refund, which moves no order. */
export function nextPaymentRead({ status }: Pick<Order, "status">, payment: components["schemas"]["PaymentStatus"] | undefined, reads: number): number | false {
  const isAwaited = payment === "pending" || (status === "cancelled" && (payment === "succeeded" || payment === "partially_refunded"));
  return isAwaited && Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 1.4 ** reads);
}
