// The basket: products and quantities that this browser keeps until they are ordered.

import { computed } from "@preact/signals";
import type { Schemas } from "../core/client.ts";
import type { Money } from "../core/i18n/index.ts";
import { stored } from "../core/storage.ts";

export interface Line {
  id: string;
  name: string;
  /** The price that the customer was shown; an order at another one is refused. */
  price: Money;
  quantity: number;
}

export const MAX_QUANTITY = 10_000;

function isLine(value: unknown): value is Line {
  const line = value as Line | null;
  return (
    typeof line?.id === "string" &&
    typeof line.name === "string" &&
    Number.isSafeInteger(line.price?.amount) &&
    /^[A-Z]{3}$/.test(line.price.currency) &&
    Number.isInteger(line.quantity) &&
    line.quantity >= 1 &&
    line.quantity <= MAX_QUANTITY
  );
}

export const basket = stored<Line[]>("basket", (value) => (Array.isArray(value) ? value.filter(isLine) : []));
export const count = computed(() => basket.value.reduce((total, line) => total + line.quantity, 0));

export function add({ id, name, price }: Pick<Schemas["ProductView"], "id" | "name" | "price">, quantity: number): void {
  const before = basket.value.find((line) => line.id === id);
  const line = { id, name, price, quantity: Math.min(quantity + (before?.quantity ?? 0), MAX_QUANTITY) };
  basket.value = before ? basket.value.map((one) => (one.id === id ? line : one)) : [...basket.value, line];
}

export function change(id: string, changed: Partial<Line>): void {
  basket.value = basket.value.map((line) => (line.id === id ? { ...line, ...changed } : line));
}

export function remove(id: string): void {
  basket.value = basket.value.filter((line) => line.id !== id);
}

export function empty(): void {
  basket.value = [];
}
