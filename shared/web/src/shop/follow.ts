import type { components } from "../api/schema.d.ts";

type Order = Pick<components["schemas"]["OrderView"], "status" | "status_reason">;
type Reason = components["schemas"]["Reason"];
type PaymentStatus = components["schemas"]["PaymentStatus"];
type Payment = Pick<components["schemas"]["PaymentView"], "status" | "attempts">;

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 20_000;

// Reasons that follow from the payment, and the one that each of its statuses leads to.
const OF_PAYMENT: (Reason | null)[] = ["awaiting_payment", "awaiting_customer", "payment_declined"];
const LED_TO: { [Status in PaymentStatus]?: Reason } = { pending: "awaiting_payment", requires_action: "awaiting_customer", failed: "payment_declined" };

/** Why an order has its status. Its payment leads: the order learns a moment later that it is tried again, and the result. */
export function reasonOf({ status, status_reason }: Order, payment: PaymentStatus | undefined): Reason | null {
  if (status !== "pending" || payment === undefined || !OF_PAYMENT.includes(status_reason)) return status_reason;
  return LED_TO[payment] ?? null;
}

/** When an order is read again: at once while it moves, ever later while nothing happens, and not at all at its end. */
export function nextRead(order: Order, unchangedReads: number, payment?: PaymentStatus): number | false {
  if (order.status === "delivered" || order.status === "cancelled") return false;
  const isBehind = reasonOf(order, payment) !== order.status_reason;
  const isWaiting = order.status !== "pending" || order.status_reason === "payment_declined" || order.status_reason === "backordered";
  return isWaiting && !isBehind ? LONGEST_WAIT_MS : later(unchangedReads);
}

/** When a payment is read again: while it is in progress, and while a cancelled order waits for its refund, which moves no order. */
export function nextPaymentRead({ status }: Pick<Order, "status">, payment: PaymentStatus | undefined, unchangedReads: number): number | false {
  const isAwaited = payment === "pending" || (status === "cancelled" && (payment === "succeeded" || payment === "partially_refunded"));
  return isAwaited && later(unchangedReads);
}

const later = (unchangedReads: number): number => Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 1.4 ** unchangedReads);

export interface Watched<P> {
  payment: P;
  unchangedReads: number;
}

/** A payment that was read. What was asked before another attempt began, and is answered after it, is outdated. */
export function watched<P extends Payment>(known: Watched<P> | undefined, read: P): Watched<P> {
  if (known && read.attempts < known.payment.attempts) return known;
  const isSame = known?.payment.attempts === read.attempts && known.payment.status === read.status;
  return { payment: read, unchangedReads: isSame ? known.unchangedReads + 1 : 0 };
}
