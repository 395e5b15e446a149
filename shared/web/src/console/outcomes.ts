// What the audit says of an action or a change, as rows of a name and a value.

import type { components } from "../api/schema.d.ts";

type Entry = Pick<components["schemas"]["OperatorActionView"], "target" | "order_id" | "outcome">;
type Row = [name: string, value: unknown];

/** The members of an outcome; null if the action was not finished. What the entry is about is said already. */
export function rowsOf({ target, order_id, outcome }: Entry): Row[] | null {
  if (outcome === null) return null;
  return Object.entries(outcome).filter(([, value]) => value !== target && (order_id === null || value !== order_id));
}

/** The name of a member that has no text: `stock_quantity` is "stock quantity". */
export const wordsOf = (name: string): string => name.replaceAll("_", " ");

/** The page of what an id of this member is about; null if there is none. */
export function pathOf(name: string, id: string): string | null {
  const pages = { order_id: "orders", product_id: "products", payment_id: "payments" } as const;
  return name in pages ? `/console/${pages[name as keyof typeof pages]}/${id}` : null;
}

/** Whether a member is the id of an account. */
export const isAccount = (name: string): boolean => name === "user_id" || name.endsWith("_by");

/** The member that the target of a change is, by the type of its event. */
export function memberOf(type: string): string {
  if (/^(Product|Stock)/.test(type)) return "product_id";
  if (/^(Payment|Refund|Dispute)/.test(type)) return "payment_id";
  if (type.startsWith("Order")) return "order_id";
  return /^(User|SecondFactor|ContactVerif)/.test(type) ? "user_id" : "id";
}
